"""Plan tests: YAML specs of what a module plans and refuses, all compiled into one root and planned at once.

The format is told in ``tests/plan/README.md``.
"""
