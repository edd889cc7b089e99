"""LocalStack community from PyPI without Docker, with functions as local processes, patched where it differs from AWS.

Run as ``python -m host``; the harness does that (``harness/engine/localstack_host.py``). See ``README.md`` here.
"""

LOCALSTACK_VERSION = "4.14.0"
"""The only version that the patches support; ``requirements/localstack.txt`` locks it too."""
