"""The get-invoice function."""
