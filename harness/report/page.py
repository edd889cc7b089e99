"""The page: rendered from templates, with its style, its script and its picture inside."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import jinja2

from harness.files import write_whole
from harness.paths import BUILD
from harness.report.gather import Contents
from harness.report.graph import BOX_HEIGHT, BOX_WIDTH, Picture

PAGE = BUILD / "report" / "index.html"
"""Where the report is written."""

MAX_BYTES = 5 * 2**20
"""What the page may take: it is sent by mail and kept by CI."""

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def duration(seconds: float | None) -> str:
    """Seconds for people: ``48 s``, ``3 min 20 s``; a dash if they are not known."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    return f"{seconds:.1f} s" if whole < 10 else f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def percent(share: float) -> str:
    """A share as ``97.5 %``; rounded down, so that only everything is 100 %."""
    return f"{int(share * 1000) / 10:g} %"


def render(contents: Contents, pictures: Sequence[Picture], *, now: datetime | None = None) -> str:
    """The page's HTML. It loads nothing: style, script and picture are inside.

    Args:
        contents: What it shows.
        pictures: The environments' resources; none if they could not be planned.
        now: The moment that it names.
    """
    template = _TEMPLATES.get_template("report.html.j2")
    return template.render(
        contents=contents,
        pictures=pictures,
        box=(BOX_WIDTH, BOX_HEIGHT),
        now=now or datetime.now(UTC),
        duration=duration,
        percent=percent,
        longest=max((run.seconds or 0 for run in contents.runs), default=0) or 1,
    )


def summary(contents: Contents) -> str:
    """What ran, as a table in Markdown, for GitHub's summary of a job.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary

    Args:
        contents: What the report shows.
    """
    signs = {True: "✓ passed", False: "✗ failed", None: "–"}
    rows = [
        f"| {run.session} | {signs[run.passed]} | {duration(run.seconds)} | {run.tests or ''} | `{run.repeat}` |"
        for run in contents.runs
    ]
    return "\n".join(["| session | result | time | tests | repeat it |", "|---|---|---|---|---|", *rows]) + "\n"


def write(html: str, page: Path = PAGE) -> Path:
    """Write the page, completely or not at all; returns its file."""
    write_whole(page, html)
    return page
