"""Generate what was approved: generators that use what the lake knows."""
