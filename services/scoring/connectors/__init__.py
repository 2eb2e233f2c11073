"""What scoring connects to beside its tables and the log."""
