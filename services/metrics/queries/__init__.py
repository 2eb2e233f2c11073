"""Reads. Every statement names the workspace and runs as well for a reader, under row-level security."""
