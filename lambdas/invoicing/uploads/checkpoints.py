"""How far an upload has come: what one invocation leaves for the next (pure)."""

import json
from dataclasses import asdict, dataclass, field
from typing import Self

from invoicing.uploads.csv_file import Dialect
from invoicing.uploads.csv_rows import Place
from invoicing.uploads.reports import Figures
from invoicing.uploads.survey import Findings


@dataclass(frozen=True)
class Checkpoint:
    """The state of one upload between two parts of the work on it.

    Attributes:
        part: How many parts are done, which is also the number of the next one.
        announced: The last part that an event names. Part 0 is named by the upload's own event.
        place: Where the next invoice begins; None before the first part, and when the file was read to its end.
        dialect: None before the header was read.
        findings: What the survey has found so far.
        memory: The key of what it must remember besides; an empty string if that is nothing.
        unpacked: Bytes of the file's content if it is a gzip file that was unpacked once to its end, and its checksum
            is right; else None.
        etag: The tag of the bytes that are read.
        ended: Whether only the reports and the archive are left to do.
        done: Whether nothing is left to do.
        rejects: Keys of the rejected rows so far, one object for each part that had some.
        rejects_size: Bytes of these objects.
        figures: What became of the rows so far.
    """

    part: int = 0
    announced: int = 0
    place: Place | None = None
    dialect: Dialect | None = None
    findings: Findings = field(default_factory=Findings)
    memory: str = ""
    unpacked: int | None = None
    etag: str = ""
    ended: bool = False
    done: bool = False
    rejects: tuple[str, ...] = ()
    rejects_size: int = 0
    figures: Figures = field(default_factory=lambda: Figures(""))

    @property
    def has_begun(self) -> bool:
        """Whether anything of the file was read before this checkpoint."""
        return self.part > 0

    @property
    def has_leftovers(self) -> bool:
        """Whether objects were stored for later parts."""
        return bool(self.rejects or self.memory)

    def falls_to(self, part: int) -> bool:
        """Whether an event that names this part is the one to go on with the upload.

        It is if that part is next. It also is if no event names the next part: then the invocation that should have
        sent one was killed, and this is its own event, delivered again.
        """
        return not self.done and (part == self.part or self.announced < self.part)

    def text(self) -> str:
        """The checkpoint as JSON, for the table; ``part``, ``announced`` and ``done`` are separate attributes there."""
        state = asdict(self)
        for name in ("part", "announced", "done"):
            del state[name]
        return json.dumps(state, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str, *, part: int, announced: int, done: bool) -> Self:
        """Read `text` back."""
        state = json.loads(text)
        return cls(
            part=part,
            announced=announced,
            place=Place(*state["place"]) if state["place"] else None,
            dialect=Dialect(**state["dialect"]) if state["dialect"] else None,
            findings=Findings.from_state(state["findings"]),
            memory=state["memory"],
            unpacked=state["unpacked"],
            etag=state["etag"],
            ended=state["ended"],
            done=done,
            rejects=tuple(state["rejects"]),
            rejects_size=state["rejects_size"],
            figures=Figures(**state["figures"]),
        )
