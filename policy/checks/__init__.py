"""Our checks, as checkov loads them."""
