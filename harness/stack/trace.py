"""The story of one invoice or one upload on a running stack: over functions, table, events, queues and S3, in order.

What is known of it is read where it was left: the item and its history in the table, the log lines of the functions
(joined by their correlation ids), the objects in S3, and the messages in the dead-letter queues. Nothing is changed.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase
from botocore.exceptions import ClientError

from harness.errors import HarnessError
from harness.stack import logs
from harness.stack.deployment import Stack
from harness.stack.logs import CORRELATION, LogLine

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FILE = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>.+)#(?P<row>\d+)")
_GONE = {"404", "NoSuchKey", "NotFound"}
INCOMING = "incoming/"
"""Where uploads arrive in the uploads bucket."""

MARGIN = timedelta(minutes=2)
"""How long before the first known moment log lines are looked for: the work began before its first write."""


@dataclass(frozen=True, order=True)
class Step:
    """One thing that happened.

    Attributes:
        at: When, in UTC.
        place: Where: a function, ``table``, ``s3`` or a queue.
        what: What happened.
        fields: What else is known of it.
        invocation_ms: The duration of the invocation that did it, for its first step.
        is_warning: Whether it is a warning or an error.
    """

    at: datetime
    place: str
    what: str
    fields: Mapping[str, Any] = field(default_factory=dict, compare=False)
    invocation_ms: float | None = field(default=None, compare=False)
    is_warning: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Story:
    """What happened, in order, and what has not happened yet.

    Attributes:
        title: What it is the story of, and how that is now.
        steps: In order of time.
        waiting: What it waits for; empty if nothing is left to do.
        correlations: The correlation ids of the requests, uploads and events that it came from.
    """

    title: str
    steps: Sequence[Step]
    waiting: Sequence[str]
    correlations: Sequence[str] = ()

    def document(self) -> dict[str, Any]:
        """The story in JSON types; ``afterMs`` is the time since the step before, in milliseconds."""
        before = [None, *(step.at for step in self.steps)]
        return {
            "title": self.title,
            "steps": [
                {
                    "at": step.at.isoformat(timespec="milliseconds"),
                    "afterMs": None if last is None else round((step.at - last) / timedelta(milliseconds=1), 1),
                    "place": step.place,
                    "what": step.what,
                    "fields": dict(step.fields),
                    "invocationMs": step.invocation_ms,
                }
                for step, last in zip(self.steps, before, strict=False)
            ],
            "waiting": list(self.waiting),
            "correlationIds": list(self.correlations),
        }


@dataclass(frozen=True)
class Letter:
    """A message in a dead-letter queue.

    Attributes:
        queue: The function, or the rule and its target, whose queue it is.
        body: Its text.
        reason: Why it could not be handled, as far as the sender says so.
        sent: When it came into the queue.
    """

    queue: str
    body: str
    reason: str
    sent: datetime


def tell(stack: Stack, name: str) -> Story:
    """The story of what a user names.

    Args:
        stack: The running stack.
        name: An invoice's id or number, or the key or file name of an upload.

    Raises:
        HarnessError: There is nothing of that name.
    """
    item = _item(stack, name)
    if item is not None:
        return _of_invoice(stack, item)
    story = _of_upload(stack, name)
    if story is None:
        raise HarnessError(
            f"There is no invoice and no upload {name!r} in the environment {stack.environment!r}.",
            remedy="Give an invoice's id or number, or the key of an upload, such as incoming/invoices.csv.",
        )
    return story


def _item(stack: Stack, name: str) -> dict[str, Any] | None:
    """The table's item of an invoice, by its id, or by its number with a scan of the engine's table."""
    if _ID.fullmatch(name):
        response = _table(stack).get_item(Key={"invoiceId": name.lower()}, ConsistentRead=True)
        return dict(response["Item"]) if "Item" in response else None
    found = _scan(stack, Attr("invoiceNumber").eq(name))
    return next((item for item in found if "#" not in str(item["invoiceId"])), None)


def _scan(stack: Stack, condition: ConditionBase) -> Iterator[dict[str, Any]]:
    """The items that meet a condition: reads the whole table, which an engine's table bears."""
    start: dict[str, Any] = {}
    while True:
        page = _table(stack).scan(FilterExpression=condition, ConsistentRead=True, **start)
        yield from (dict(item) for item in page["Items"])
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _table(stack: Stack) -> Any:
    return stack.session.resource("dynamodb", endpoint_url=stack.endpoint_url).Table(stack.table_name)


def _client(stack: Stack, service: str) -> Any:
    session: Any = stack.session  # the stubs know one overload for each service
    return session.client(service, endpoint_url=stack.endpoint_url)


def _of_invoice(stack: Stack, item: Mapping[str, Any]) -> Story:
    identity, created = str(item["invoiceId"]), datetime.fromisoformat(str(item["createdAt"]))
    correlations = {str(item["upload"])[:32]} if item.get("upload") else set()  # as Upload.correlation_id
    found, durations = _logged(stack, created - MARGIN)
    lines = logs.about(found, identity, correlations)
    correlations |= {str(line.fields[CORRELATION]) for line in lines if CORRELATION in line.fields}
    letters = [letter for letter in _letters(stack) if identity in letter.body]
    document = _object(stack, stack.documents_bucket, f"{created:%Y/%m}/{identity}.pdf", "PDF in the documents bucket")
    steps = [
        *_uploaded(stack, str(item.get("source", ""))),
        *_history(item),
        *of_lines(lines, durations),
        *([written_when_logged(document, lines)] if document else []),
        *(Step(letter.sent, "queue", _letter(letter), is_warning=True) for letter in letters),
    ]
    due = f"{_plain(item['amountDue'])} {item['currency']}"
    title = f"Invoice {item['invoiceNumber']} ({identity}): {item['status']}, version {item['version']}, {due} due"
    waits = waiting(item, lines, letters, has_document=document is not None)
    return Story(title, sorted(steps), waits, sorted(correlations))


def _logged(stack: Stack, since: datetime) -> tuple[list[LogLine], dict[str, float]]:
    """All log lines since a moment, and the durations (milliseconds) of the invocations by their ids."""
    events = list(logs.events(stack, sorted(stack.functions), since))
    reports = (logs.invocation(event["message"]) for _, event in events)
    return logs.read(events), dict(report for report in reports if report)


def of_lines(lines: Iterable[LogLine], durations: Mapping[str, float]) -> list[Step]:
    """Log lines as steps; the first line of each invocation has its duration.

    Args:
        lines: In order of time.
        durations: Milliseconds of invocations, by their ids.
    """
    seen: set[str] = set()
    steps = []
    for line in lines:
        duration = None if line.request in seen else durations.get(line.request)
        seen.add(line.request)
        steps.append(Step(line.at, line.function, line.message, line.fields, duration, line.is_warning))
    return steps


def _history(item: Mapping[str, Any]) -> list[Step]:
    """What the invoice's own history says: each status, when it was reached, and by whom."""
    return [
        Step(
            datetime.fromisoformat(str(entry["at"])),
            "table",
            f"{entry['status']} by {entry['by']}" + "".join(f": {reason}" for reason in entry.get("reasons") or ()),
            {"version": version},
        )
        for version, entry in enumerate(item["history"], 1)
    ]


def _uploaded(stack: Stack, source: str) -> list[Step]:
    """The archived original of an invoice that a file contained."""
    match = _FILE.fullmatch(source)
    if match is None:
        return []
    report = _report(stack, match["key"])
    what = f"original of {match['key']} (row {match['row']}) in the archives bucket"
    original = _object(stack, stack.archives_bucket, str(report["archive"]), what) if "archive" in report else None
    return [original] if original else []


def _object(stack: Stack, bucket: str, key: str, what: str) -> Step | None:
    """An object in S3, at the time when it was written; None if there is none."""
    try:
        head = _client(stack, "s3").head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            return None
        raise
    fields = {"key": key, "bytes": head["ContentLength"]}
    return Step(head["LastModified"].astimezone(UTC), "s3", what, fields)


def written_when_logged(step: Step, lines: Iterable[LogLine]) -> Step:
    """An object's step at the time of the last line that names its key: S3 reports whole seconds only.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    """
    moments = [line.at for line in lines if line.fields.get("key") == step.fields["key"]]
    return replace(step, at=max([step.at, *moments]))


def _report(stack: Stack, key: str) -> dict[str, Any]:
    """The report of an upload; empty if there is none yet."""
    try:
        response = _client(stack, "s3").get_object(
            Bucket=stack.uploads_bucket, Key=f"reports/{key.removeprefix(INCOMING)}.json"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in _GONE:
            return {}
        raise
    document = json.loads(response["Body"].read())
    return {**document, "at": response["LastModified"].astimezone(UTC)}


def _letters(stack: Stack) -> list[Letter]:
    """The messages in all dead-letter queues, up to ten of each; they stay there, and stay visible."""
    sqs = _client(stack, "sqs")
    found = []
    for name, url in {**stack.dead_letter_queues, **stack.event_dead_letter_queues}.items():
        response = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            AttributeNames=["SentTimestamp"],
            VisibilityTimeout=0,
        )
        for message in response.get("Messages", []):
            attributes = message.get("MessageAttributes", {})
            reasons = (attributes[key]["StringValue"] for key in ("ERROR_MESSAGE", "ErrorMessage") if key in attributes)
            sent = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
            found.append(Letter(name, message["Body"], next(reasons, ""), sent))
    return found


def _letter(letter: Letter) -> str:
    return f"in the dead-letter queue of {letter.queue}" + (f": {letter.reason}" if letter.reason else "")


def waiting(
    item: Mapping[str, Any], lines: Sequence[LogLine], letters: Sequence[Letter], *, has_document: bool
) -> list[str]:
    """What an invoice waits for.

    Args:
        item: Its item in the table.
        lines: The log lines about it.
        letters: The messages about it in dead-letter queues.
        has_document: Whether its PDF is stored.
    """
    status = item["status"]
    found = [f"{_letter(letter)}. Fix the cause, then send it again." for letter in letters]
    if status == "created":
        found.append("The decision: process-invoice has not handled its stream record." + _last_error(lines, "process"))
    elif status == "held":
        reasons = "; ".join(reason for entry in item["history"] for reason in entry.get("reasons") or ())
        found.append(f"An operator: {reasons}. PATCH its status to processed or void.")
    elif status in {"processed", "partially-paid"}:
        until = f", due on {item['dueDate']}" if "dueDate" in item else ""
        found.append(f"A payment of {_plain(item['amountDue'])} {item['currency']}{until}.")
    if status != "void" and not has_document:
        found.append("Its PDF: generate-pdf has not stored it." + _last_error(lines, "generate"))
    return found


def _plain(amount: object) -> str:
    return f"{amount:f}" if isinstance(amount, Decimal) else str(amount)


def _last_error(lines: Sequence[LogLine], function: str) -> str:
    """The last warning or error of a function, as a sentence; empty if there is none."""
    errors = [line for line in lines if line.is_warning and line.function.startswith(function)]
    return f" Its last error: {errors[-1].message.splitlines()[-1]}" if errors else ""


def _of_upload(stack: Stack, name: str) -> Story | None:
    """The story of a file; None if nothing is known of it."""
    key = _key(stack, name)
    original = _object(stack, stack.uploads_bucket, key, f"{key} in the uploads bucket")
    report = _report(stack, key)
    created = list(_scan(stack, Attr("source").begins_with(f"s3://{stack.uploads_bucket}/{key}#")))
    if not (original or report or created):
        return None
    moments = [datetime.fromisoformat(str(item["createdAt"])) for item in created]
    first = min([*moments, *([original.at] if original else []), *([report["at"]] if report else [])])
    found, durations = _logged(stack, first - MARGIN)
    own = {str(line.fields.get(CORRELATION)) for line in found if line.fields.get("key") == key}
    lines = [line for line in found if line.fields.get(CORRELATION) in own and logs.SUBJECT not in line.fields]
    steps = [*of_lines(lines, durations), *([original] if original else [])]
    if report:
        figures = ("rows", "created", "duplicates", "rejected")
        counts: dict[str, Any] = {figure: report[figure] for figure in figures if figure in report}
        steps.append(Step(report["at"], "s3", f"report reports/{key.removeprefix(INCOMING)}.json", counts))
    if moments:
        steps.append(Step(min(moments), "table", "first invoice created"))
        steps.append(Step(max(moments), "table", "last invoice created", {"invoices": len(moments)}))
    statuses = Counter(str(item["status"]) for item in created)
    states = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items())) or "no invoices"
    waits = _upload_waits(key, created, report, has_original=original is not None)
    return Story(f"Upload {key}: {states}", sorted(steps), waits, sorted(own))


def _key(stack: Stack, name: str) -> str:
    """The upload's key; of a name without its folder, or of its end only, the latest upload of that name."""
    if name.startswith(INCOMING):
        return name
    s3, keys = _client(stack, "s3"), [INCOMING + name]
    for prefix, ending in ((INCOMING, ""), ("reports/", ".json")):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=stack.uploads_bucket, Prefix=prefix):
            found = (content["Key"] for content in page.get("Contents", []))
            names = (key.removeprefix(prefix).removesuffix(ending) for key in found if key.endswith(name + ending))
            keys += [INCOMING + each for each in names]
    return keys[-1]


def _upload_waits(
    key: str, created: Sequence[Mapping[str, Any]], report: Mapping[str, Any], *, has_original: bool
) -> list[str]:
    waits = []
    if has_original or not report:
        waits.append(f"Its import: {key} is not archived yet." if has_original else "Its report.")
    for status in ("created", "held"):
        ids = [str(item["invoiceId"]) for item in created if item["status"] == status]
        if ids:
            waits.append(f"{len(ids)} invoices are {status}; one of them: ./noxw -s trace -- {ids[0]}")
    return waits
