"""Compute what becomes of candidates that run beside their control."""
