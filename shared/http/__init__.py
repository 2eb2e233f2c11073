"""What all HTTP faces have in common: the guard before them, keys, problems, health, lists. Knows no service."""
