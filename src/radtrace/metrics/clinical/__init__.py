"""Metrics of what a report says: labels, against a reference or against given labels, and invented comparison."""
