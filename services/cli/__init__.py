"""The ``tragt`` command: runs everything on one machine, and asks the services what people want to know.

The only code that may import several services. Exit codes are ``services.cli.exits``.
"""
