"""How far an upload has come: what one invocation leaves for the next (pure)."""

import json
from dataclasses import asdict, dataclass, field
from typing import Self

from invoicing.uploads.csv_invoices import Place
from invoicing.uploads.reports import Figures


@dataclass(frozen=True)
class Dialect:
    """How a file is written, as its beginning shows.

    Attributes:
        gzipped: Whether it must be unpacked.
        encoding: As `invoicing.uploads.csv_bytes.Lines` names it.
        delimiter: The character between cells.
        header: The columns' names as `invoicing.uploads.csv_text.Sheet` has them.
    """

    gzipped: bool
    encoding: str
    delimiter: str
    header: list[str]


@dataclass(frozen=True)
class Checkpoint:
    """The state of one upload between two parts of the work on it.

    Attributes:
        part: How many parts are done, which is also the number of the next one.
        announced: The last part that an event names. Part 0 is named by the upload's own event.
        place: Where the next invoice begins; None before the first part, and when the file was read to its end.
        dialect: None before the header was read.
        verified: Whether the file is a gzip file that was unpacked once to its end, and its checksum is right.
        etag: The tag of the bytes that are read.
        ended: Whether only the reports and the archive are left to do.
        done: Whether nothing is left to do.
        rejects: Keys of the rejected rows so far, one object for each part that had some.
        rejects_size: Bytes of these objects.
        rejected_invoices: What `invoicing.uploads.part_import.PartImport` remembers of rejected invoices.
        figures: What became of the rows so far.
    """

    part: int = 0
    announced: int = 0
    place: Place | None = None
    dialect: Dialect | None = None
    verified: bool = False
    etag: str = ""
    ended: bool = False
    done: bool = False
    rejects: tuple[str, ...] = ()
    rejects_size: int = 0
    rejected_invoices: tuple[str, ...] = ()
    figures: Figures = field(default_factory=lambda: Figures(""))

    @property
    def has_begun(self) -> bool:
        """Whether anything of the file was read before this checkpoint."""
        return self.place is not None or self.verified

    @property
    def start(self) -> int:
        """Bytes of the file that need not be read again: none of a gzip file, which is unpacked from its beginning."""
        if self.place is None or (self.dialect and self.dialect.gzipped):
            return 0
        return self.place.position

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
        state["refused"] = state.pop("rejected_invoices")
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
            verified=state["verified"],
            etag=state["etag"],
            ended=state["ended"],
            done=done,
            rejects=tuple(state["rejects"]),
            rejects_size=state["rejects_size"],
            rejected_invoices=tuple(state["refused"]),
            figures=Figures(**state["figures"]),
        )
