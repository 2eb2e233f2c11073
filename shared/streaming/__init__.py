"""The streaming core: one port to the log with two implementations, and the loop that turns batches into transactions.

Correctness is here and nowhere else: one batch of one partition is one transaction that claims its position by
compare-and-advance; the log only transports.
"""
