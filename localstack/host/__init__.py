"""LocalStack community without Docker: its own code from PyPI, Lambda functions as local processes, patched for parity.

Run as ``python -m host``; the harness does that (``harness/engine/localstack_host.py``). See ``README.md`` beside this.
"""

LOCALSTACK_VERSION = "4.14.0"
"""The only version that the patches are written against; ``requirements/localstack.txt`` locks the same."""
