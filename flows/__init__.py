"""Prefect lives here and only here: what runs when, in which order, and what is told about it."""
