"""Report arena: pairs of reports, judged; battles, ranked."""
