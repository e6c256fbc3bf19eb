"""Weights of radtrace's bundled models; each has a model card (`*.md`) beside it. `radtrace` finds this folder."""
