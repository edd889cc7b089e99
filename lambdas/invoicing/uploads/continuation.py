"""The event that starts an upload's next part."""

from invoicing.domain.fields import timestamp
from invoicing.events.bus import Event, EventBus
from invoicing.runtime import clock
from invoicing.uploads.progress import UploadProgress
from invoicing.uploads.upload import Upload

CONTINUED = "upload-continued"
"""The type of the event that names an upload's next part."""


def announce(bus: EventBus, progress: UploadProgress, upload: Upload, part: int) -> None:
    """Put the event on the bus, then record in the table that this was done."""
    bus.publish(Event(CONTINUED, timestamp(clock.now()), upload.detail() | {"checkpoint": part}))
    progress.record_announcement(upload.digest, part)
