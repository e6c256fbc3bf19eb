"""What a reader made of a split: clinical figures, language, validity, places, confidence, and what it repeats."""
