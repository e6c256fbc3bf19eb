"""How the localizer is measured: what `benchmarks/localize.py` runs, one question a file."""
