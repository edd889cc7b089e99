"""Mutation testing: safeguards are removed one at a time, and a test or rule has to notice."""
