"""The update-invoice-status function."""
