"""The rotate-api-key function."""
