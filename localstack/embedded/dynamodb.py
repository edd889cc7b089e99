"""DynamoDB: a transaction that is sent twice."""

from typing import Any

from ministack.services import dynamodb

from emulation.patch import patches, source_has


@patches(dynamodb, "_transact_write_items", needed=source_has("signature = {k: v for k, v in data.items()"))
def repeated_transaction(original: Any) -> Any:
    """TransactWriteItems with the same token and content is done once, whatever its numbers look like.

    AWS: "if you submit a request with the same client token" within ten minutes, it "returns successfully".
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
    MiniStack: rewrites the numbers of the request that it remembers (``1.50`` becomes ``1.5``), and then refuses the
    same request as another one. The SDK repeats a request on its own when an answer is lost.
    """

    def transact(data: Any) -> Any:
        _write_numbers_as_kept(data)
        return original(data)

    return transact


def _write_numbers_as_kept(value: Any) -> None:
    """Bring every number attribute into the form that the table keeps, in place; what is no number stays as it is."""
    if isinstance(value, list):
        for member in value:
            _write_numbers_as_kept(member)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name == "N" and isinstance(member, str):
                value[name] = dynamodb._ddb_canonicalize_number(member) or member
            elif name == "NS" and isinstance(member, list):
                value[name] = [(isinstance(n, str) and dynamodb._ddb_canonicalize_number(n)) or n for n in member]
            else:
                _write_numbers_as_kept(member)
