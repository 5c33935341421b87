"""Build and write what generators read before their next run: contexts, and the evidence behind them."""
