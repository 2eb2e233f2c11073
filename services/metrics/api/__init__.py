"""The HTTP surface: funnels, the leads behind a number, live totals, reconciliation, sign-in and the page."""
