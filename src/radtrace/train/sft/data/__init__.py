"""What a run learns from: traces as samples of tokens, kept on the disk, in batches."""
