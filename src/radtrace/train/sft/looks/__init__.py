"""Looks: what a model writes of some val studies while it learns, since its loss does not tell whether it sees."""
