"""The process-invoice function."""
