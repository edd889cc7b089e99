"""The embedded engine: MiniStack in one process on one loopback port, patched where it differs from AWS.

Run as ``python -m embedded``; the harness does that (``harness/engine/embedded.py``). See ``localstack/README.md``.
"""

MINISTACK_VERSION = "1.5.33"
"""The only version that the patches support; ``requirements/engine.txt`` locks it too."""
