"""The create-invoice function."""
