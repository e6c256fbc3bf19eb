"""Intervals and tests over per-sample values and sufficient statistics."""
