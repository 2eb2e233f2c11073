"""What scoring says over HTTP, field by field. Additive within a version of the path (docs/api.md)."""
