"""The subset of CBOR (RFC 8949) that CloudWatch's rpc-v2-cbor protocol uses.

MiniStack would need the compiled package ``cbor2``. This module supports all that boto3's CloudWatch client sends.
"""

import struct
from datetime import datetime
from typing import Any

_FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_INDEFINITE = 31
_BREAK = 0xFF


class CborError(ValueError):
    """The bytes are not CBOR."""


def decode(data: bytes) -> Any:
    """The decoded value; a tagged time (tag 1) becomes its epoch seconds.

    Raises:
        CborError: The bytes are not CBOR.
    """
    try:
        return _Reader(data).value()
    except (IndexError, struct.error) as error:
        raise CborError("The CBOR text ends too early.") from error


def encode(value: Any) -> bytes:
    """The CBOR bytes of a value: None, booleans, numbers, text, bytes, datetimes (tag 1), lists and dicts."""
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, datetime):
        return _head(6, 1) + encode(value.timestamp())
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(encode, value))
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(encode(key) + encode(item) for key, item in value.items())
    raise TypeError(f"{type(value).__name__} cannot be encoded as CBOR here.")


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << 8 * size:
            return bytes([major << 5 | code]) + argument.to_bytes(size, "big")
    raise CborError("The number is too large.")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def value(self) -> Any:
        initial = self._data[self._at]
        self._at += 1
        major, info = initial >> 5, initial & 31
        if major == 7:
            return self._simple(info)
        if info == _INDEFINITE:
            return self._indefinite(major)
        argument = self._argument(info)
        if major == 0:
            return argument
        if major == 1:
            return -1 - argument
        if major in {2, 3}:
            raw = self._bytes(argument)
            return raw.decode() if major == 3 else raw
        if major == 4:
            return [self.value() for _ in range(argument)]
        if major == 5:
            return {self.value(): self.value() for _ in range(argument)}
        return self.value()  # a tag: only the tagged value is used

    def _indefinite(self, major: int) -> Any:
        items = []
        while self._data[self._at] != _BREAK:
            items.append(self.value())
        self._at += 1
        if major == 5:
            return dict(zip(items[::2], items[1::2], strict=True))
        if major == 4:
            return items
        return "".join(items) if major == 3 else b"".join(items)

    def _simple(self, info: int) -> Any:
        if info in _FLOATS:
            layout, size = _FLOATS[info]
            return struct.unpack(layout, self._bytes(size))[0]
        if info in _SIMPLE:
            return _SIMPLE[info]
        raise CborError(f"The simple value {info} is not supported.")

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise CborError(f"The length {info} is not supported.")
        return int.from_bytes(self._bytes(1 << info - 24), "big")

    def _bytes(self, size: int) -> bytes:
        piece = self._data[self._at : self._at + size]
        if len(piece) < size:
            raise CborError("The CBOR text ends too early.")
        self._at += size
        return piece
