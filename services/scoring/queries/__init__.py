"""Reads for people, each inside a ``ReadSession``: as the reader role, which sees one workspace. None writes."""
