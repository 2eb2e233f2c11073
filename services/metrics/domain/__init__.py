"""What a fact contributes to the cells, and what a funnel says about the sums: pure functions of their arguments."""
