"""Compute where policies stand, who decided it, and what was tried."""
