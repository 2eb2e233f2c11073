"""One module per surface: what clients of each kind see. Nothing is decided here."""
