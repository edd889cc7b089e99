"""The figures of a nox session: ``build/results/<session>.json``, read by reports and CI."""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from harness.paths import BUILD


def record(session: str, figures: Mapping[str, object]) -> Path:
    """Write a session's figures, completely or not at all.

    Args:
        session: The nox session's name; it names the file.
        figures: JSON-ready counts, seconds and scores.

    Returns:
        The file that was written.
    """
    target = BUILD / "results" / f"{session}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    body = {"session": session, "at": datetime.now(UTC).isoformat(timespec="seconds"), **figures}
    draft = target.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
    draft.replace(target)
    return target
