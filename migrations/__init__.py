"""The history of every schema, linear, one purpose each, revertible; run by ``tragt migrate``."""
