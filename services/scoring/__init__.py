"""Touchpoints in, trusted lead status out: identity, score, stage, MQL and SQL. Owns leads and their changes."""
