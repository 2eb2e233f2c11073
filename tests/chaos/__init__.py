"""Chaos: every process, the broker and the database killed under load, and the numbers still right afterwards.

``python -m tests.chaos --for 300 --log postgres --log kafka`` (``make chaos FOR=300``). ``run.py`` has the course of a
run, ``prove.py`` and ``mutants.py`` the proof that the harness bites.
"""
