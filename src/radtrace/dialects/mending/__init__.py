"""Traces without what a model is not to learn: blanks of de-identification, and other words left out of sentences."""
