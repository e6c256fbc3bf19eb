"""Metrics of language: BLEU, ROUGE, METEOR, CIDEr-D, and the words that each of them counts."""
