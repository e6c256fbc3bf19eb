"""Metrics that compare two reports in the vector space of a network: BERTScore, RaTEScore, RadCliQ."""
