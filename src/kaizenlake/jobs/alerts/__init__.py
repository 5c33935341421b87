"""Compute what somebody should know: findings, and the alerts among them."""
