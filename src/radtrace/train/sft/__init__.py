"""Supervised fine-tuning: a unified model learns to write traces."""
