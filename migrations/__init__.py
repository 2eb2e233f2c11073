"""The history of the schema, one purpose a file, each revertible. Applied by ``tragt migrate``."""
