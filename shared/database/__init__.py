"""The database as every service meets it: roles, pools, sessions, migrations and the keys that open a workspace.

Connections are made here and nowhere else, so each carries its role, its timeouts and its name. Errors that may pass
by themselves leave as ``Transient``; anything else is a bug and stays what it is.
"""
