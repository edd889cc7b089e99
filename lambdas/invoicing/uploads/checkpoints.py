"""How far an upload has come: what one invocation leaves for the next (pure)."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from invoicing.uploads.csv_invoices import Place
from invoicing.uploads.reports import Figures


@dataclass(frozen=True)
class Dialect:
    """What the beginning of a file told about the rest.

    Attributes:
        gzipped: Whether it has to be unpacked.
        encoding: As `invoicing.uploads.csv_bytes.Lines` names it.
        delimiter: What stands between cells.
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
        part: How many parts are done; the number of the next one.
        announced: The last part of which an event tells that it is to be done. The upload's own event tells of part 0.
        place: Where the next invoice begins; None before the first part, and when the file was read to its end.
        dialect: None before the header was read.
        verified: Whether the whole file was unpacked once and its checksums are right; of plain files it never is.
        etag: The tag of the bytes that are read.
        ended: Whether only the reports and the archive are left to do.
        done: Whether nothing is.
        rejects: Keys of the rejected rows so far, one file for each part that had some.
        rejects_size: Their bytes.
        refused: What `invoicing.uploads.part_import.Part` remembers of rejected invoices.
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
    refused: tuple[str, ...] = ()
    figures: Figures = field(default_factory=lambda: Figures(""))

    def falls_to(self, part: int) -> bool:
        """Whether an event that tells of a part is the one to go on with the upload.

        It is, if its part is next, or if no event tells of the next part: then the invocation that should have sent
        one has crashed, and this is its event, delivered once more.
        """
        return not self.done and (part == self.part or self.announced < self.part)

    def after(self, **changes: Any) -> Self:
        """The next part's checkpoint."""
        return replace(self, part=self.part + 1, **changes)

    def text(self) -> str:
        """For the table: JSON, without the numbers that have attributes of their own there."""
        kept = asdict(self)
        for name in ("part", "announced", "done"):
            del kept[name]
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str, *, part: int, announced: int, done: bool) -> Self:
        """Read `text` back."""
        kept = json.loads(text)
        return cls(
            part=part,
            announced=announced,
            place=Place(*kept["place"]) if kept["place"] else None,
            dialect=Dialect(**kept["dialect"]) if kept["dialect"] else None,
            verified=kept.get("verified", False),  # checkpoints of earlier releases lack it
            etag=kept["etag"],
            ended=kept["ended"],
            done=done,
            rejects=tuple(kept["rejects"]),
            rejects_size=kept["rejects_size"],
            refused=tuple(kept.get("refused", ())),  # as `verified`
            figures=Figures(**kept["figures"]),
        )
