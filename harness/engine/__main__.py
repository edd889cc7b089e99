"""Check that the engine of ``HARNESS_ENGINE`` can run here: ``python -m harness.engine`` then ends with 0."""

import sys

from rich.markup import escape

from harness.console import err, expected_errors
from harness.engine import engine_for

if __name__ == "__main__":
    with expected_errors():
        if note := engine_for().note:
            err.print(f"[yellow]Note:[/] {escape(note)}")
    sys.exit(0)
