"""The use cases: create an invoice, change it, decide on it."""
