"""Estimates over many groups: shrinkage, strata, meta-analysis, many tests at once."""
