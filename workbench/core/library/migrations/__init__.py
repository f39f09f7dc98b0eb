"""Alembic's migrations: every change of the tables, upwards and downwards.

A new one: ``python scripts/new_migration.py "what it changes"``; then set ``HEAD`` to its revision.
"""

HEAD = "0006"
"""The newest revision: with it here, a start need not load Alembic to know that nothing is to be done."""
