"""Denials as AWS, the engines and the functions' logs write them: who wanted to do what, on what, and why not."""

import re
from dataclasses import dataclass

_USER = re.compile(r"User: (\S+)")
_PERFORM = re.compile(r"perform:? (?P<action>[a-z0-9-]+:[A-Za-z]+)")
_RESOURCE = re.compile(r"(?:on resource:?|with resource:?| on) (?P<arn>arn:[^\s\"',)]+)")
_OPERATION = re.compile(r"\((?:AccessDenied\w*|AuthorizationError|403)\) when calling the (?P<call>\w+) operation")
_DENY = re.compile(r"with an explicit deny in an? (?P<kind>[a-z-]+) policy")


@dataclass(frozen=True)
class Denial:
    """One denial.

    Attributes:
        principal: The name of the function or role: the last part of its ARN; empty if the text does not say it.
        action: The action, such as ``s3:GetObject``; empty if the text has only the call.
        call: The name of the call of boto3; empty if the text does not have it.
        resource: The ARN; empty if the text does not say it.
        explicit: The kind of the policy that has a Deny statement, such as ``resource-based``; empty if none is named.
    """

    principal: str
    action: str
    call: str
    resource: str
    explicit: str


def parse(text: str) -> Denial | None:
    """Read a denial out of a message; None if the text has none.

    The messages: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html

    Args:
        text: Any text, such as a line of a log.
    """
    user, perform = _USER.search(text), _PERFORM.search(text)
    resource, operation, deny = _RESOURCE.search(text), _OPERATION.search(text), _DENY.search(text)
    if not perform and not operation:
        return None
    return Denial(
        principal=re.split(r"[/:]", user[1].rstrip(":,"))[-1] if user else "",
        action=perform["action"] if perform else "",
        call=operation["call"] if operation else "",
        resource=resource["arn"].rstrip(".;") if resource else "",
        explicit=deny["kind"] if deny else "",
    )
