"""Terraform: the binary, the provider mirror, running it, and reading its plans."""
