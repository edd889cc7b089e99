"""The harness: starts an engine, builds the functions, runs Terraform on the live folders, judges plans, deploys.

``harness/README.md`` lists the rooms and which of them know that the platform is about invoices.
"""
