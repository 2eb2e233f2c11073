"""Reads for people: each inside a ``ReadSession``, so as the reader role that sees one workspace. Nothing here writes."""
