"""Where what is allowed and what is needed differ."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AccessMismatch:
    """Something that is needed and not allowed, or allowed and not needed.

    Attributes:
        address: The resource that has to be changed, or the configuration that needs the permission.
        text: What differs.
    """

    address: str
    text: str

    def __str__(self) -> str:
        return self.text
