"""DynamoDB: repeated transactions."""

from typing import Any

from ministack.services import dynamodb

from emulation.patch import patches, source_has


@patches(dynamodb, "_transact_write_items", needed=source_has("signature = {k: v for k, v in data.items()"))
def repeated_transaction(original: Any) -> Any:
    """TransactWriteItems with the same token and content runs once, however its numbers are written.

    AWS: "if you submit a request with the same client token" within ten minutes, it "returns successfully".
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    MiniStack: rewrites the numbers of the request that it remembers (``1.50`` becomes ``1.5``), and then
    rejects the same request as a different one. The SDK itself repeats a request whose response is lost.
    """

    def transact(data: Any) -> Any:
        _normalize_numbers(data)
        return original(data)

    return transact


def _normalize_numbers(value: Any) -> None:
    """Bring every number attribute into the form that the table stores, in place; other values do not change."""
    if isinstance(value, list):
        for member in value:
            _normalize_numbers(member)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name == "N" and isinstance(member, str):
                value[name] = dynamodb._ddb_canonicalize_number(member) or member
            elif name == "NS" and isinstance(member, list):
                value[name] = [(isinstance(n, str) and dynamodb._ddb_canonicalize_number(n)) or n for n in member]
            else:
                _normalize_numbers(member)
