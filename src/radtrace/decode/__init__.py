"""The interleaved decoding engine: a batch of traces, written token by token, drafted and verified, one cache each."""
