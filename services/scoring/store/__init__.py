"""The SQL of the stream path: set-based, a constant number of statements per batch, every join by ``workspace_id``.

Functions take the connection of the caller's transaction; none commits. Multi-row writes are sorted by key.
"""
