"""The harness: starts an engine, builds the functions, runs Terraform on the live folders and describes the result.

It knows nothing of invoices; what it joins together is decided in `harness.stack.deployment`.
"""
