"""The door: HTTP in every client's own words -> checked, normalised and keyed touchpoints on the log."""
