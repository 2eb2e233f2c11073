"""What ingest does: takes touchpoints in, keeps what is refused, tries again."""
