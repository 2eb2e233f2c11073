"""Writes of the stream and of administration; sets of rows, sorted by key, in few statements."""
