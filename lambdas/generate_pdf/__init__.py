"""The generate-pdf function."""
