"""Metrics that a language model reads for: at an endpoint, or local; and their counterparts by our rules."""
