"""Chaos: every process, the broker and the database killed under load, and the numbers still right afterwards.

``python -m tests.chaos --for 300 --log postgres --log kafka`` (``make chaos FOR=300``). See ``run.py`` for the course of
a run and ``mutants.py`` for the proof that the harness bites.
"""
