"""Everything on one machine: PostgreSQL and the services as children of one process.

The children are the programs of production. They die with their parent, restart with growing pauses when they end, and
are believed alive only while they answer; no file with a process number is ever trusted.
"""
