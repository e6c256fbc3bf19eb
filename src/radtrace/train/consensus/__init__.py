"""What most reports of studies with like findings say, as traces: the likeliest words for a model to learn."""
