"""Write the report: ``python -m harness.report``. The sessions ``report`` and ``suite`` call it."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape

from harness.console import err, expected_errors, out
from harness.errors import HarnessError
from harness.paths import ROOT
from harness.policy import plans
from harness.report import page
from harness.report.gather import gather
from harness.report.graph import Picture, draw
from harness.stack.deployment import environments


def main(words: Sequence[str] | None = None) -> None:
    """Write the report, and print where it is.

    Args:
        words: The command line; None for the process's own.
    """
    parser = argparse.ArgumentParser(prog="./noxw -s report --", description=__doc__, allow_abbrev=False)
    parser.add_argument("--no-plan", action="store_true", help="leave out the pictures, which need Terraform")
    arguments = parser.parse_args(words)
    with expected_errors():
        pictures = [] if arguments.no_plan else _pictures()
        contents = gather()
        html = page.render(contents, pictures)
        if len(html.encode()) > page.MAX_BYTES:
            raise HarnessError(
                f"The report takes {len(html.encode()) / 2**20:.1f} MB.", remedy="Empty build/results: ./noxw -s clean"
            )
        file = page.write(html)
        if job := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(job).open("a", encoding="utf-8") as stream:
                stream.write(page.summary(contents))
        out.print(f"The report: {escape(str(file.relative_to(ROOT) if file.is_relative_to(ROOT) else file))}")


def _pictures() -> list[Picture]:
    """A picture of each environment that can be planned; a report without pictures is better than none."""
    pictures = []
    for environment in environments():
        try:
            pictures.append(draw(plans.stored_plan(ROOT / "live" / environment).planned))
        except HarnessError as error:
            err.print(f"[yellow]No picture of {environment}:[/] {escape(error.what)}")
    return pictures


if __name__ == "__main__":
    main(sys.argv[1:])
