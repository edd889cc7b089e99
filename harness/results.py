"""The figures of a nox session: ``build/results/<session>.json``, read by reports and CI."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from harness.files import write_whole
from harness.paths import BUILD


def file_of(session: str) -> Path:
    """The file with a session's figures.

    Args:
        session: The nox session's name.
    """
    return BUILD / "results" / f"{session}.json"


def record(session: str, figures: Mapping[str, object]) -> Path:
    """Write a session's figures, completely or not at all.

    Args:
        session: The nox session's name; it names the file.
        figures: JSON-ready counts, seconds and scores.

    Returns:
        The file that was written.
    """
    target = file_of(session)
    body = {"session": session, "at": datetime.now(UTC).isoformat(timespec="seconds"), **figures}
    write_whole(target, json.dumps(body, indent=2) + "\n")
    return target
