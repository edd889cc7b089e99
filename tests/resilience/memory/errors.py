"""The error of a service, before boto3 makes an exception of it."""

from typing import Any


class ServiceError(Exception):
    """A service rejects a request.

    Attributes:
        code: The error's code, as boto3 has it.
        members: Other members of the response.
    """

    def __init__(self, code: str, **members: Any) -> None:
        super().__init__(code)
        self.code, self.members = code, members
