"""What an examination of this computer finds."""

from dataclasses import dataclass
from enum import Enum


class Grade(Enum):
    """How good or bad a finding is."""

    GOOD = "good"
    """As it should be."""

    NOTE = "note"
    """Something optional is missing, or was not examined."""

    WARNING = "warning"
    """It works now, and may fail or disturb later."""

    ERROR = "error"
    """The README's commands fail until it is fixed."""


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        subject: What was examined.
        grade: How good or bad it is.
        text: What was found.
        fix: What to do; empty if there is nothing to do.
    """

    subject: str
    grade: Grade
    text: str
    fix: str = ""

    def document(self) -> dict[str, str]:
        """The finding in JSON types."""
        return {"subject": self.subject, "grade": self.grade.value, "text": self.text, "fix": self.fix}


def good(subject: str, text: str) -> Finding:
    """A finding that needs nothing."""
    return Finding(subject, Grade.GOOD, text)
