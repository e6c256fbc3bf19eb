"""Checkpoints behind one interface: the unified interleaved model and its image tokenizer."""
