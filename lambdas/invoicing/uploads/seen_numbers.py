"""Which invoice numbers a file has had so far, in a bounded memory, and which of them come more than once (pure).

A Bloom filter remembers the numbers of a file: it never misses one that comes again, and suspects a few that do not.
The latter are sorted out by a second look at the file, which only counts the suspects.
"""

import hashlib
import struct
from collections.abc import Iterable

_PROBES = 6
_MIN_BITS, _MAX_BITS = 1 << 13, 1 << 28
_BITS_PER_BYTE = 4
"""Bytes of the file for one bit: a row has some 30 bytes at the least, so at least 7 bits remember a number."""
MAX_SUSPECTS = 250_000
"""Numbers that may come more than once: bounds memory (60 bytes each)."""


class TooManyError(Exception):
    """More numbers come more than once than fit into memory."""


def digest(key: str) -> int:
    """A number in 64 bits. Two numbers with the same digest are both taken for numbers that come more than once."""
    return int.from_bytes(hashlib.blake2b(key.encode(errors="replace"), digest_size=8).digest())


class SeenNumbers:
    """The numbers of a file.

    Args:
        bits: The filter, as `for_content` makes it or `to_bytes` had it.
        suspects: Digests of the numbers that have probably come more than once.
    """

    def __init__(self, bits: bytearray, suspects: Iterable[int] = ()) -> None:
        self._bits, self.suspects = bits, set(suspects)

    @classmethod
    def for_content(cls, size: int) -> "SeenNumbers":
        """An empty filter for a file of this many bytes, unpacked: packed files of similar rows have far more rows."""
        bits = min(max(size // _BITS_PER_BYTE, _MIN_BITS), _MAX_BITS)
        return cls(bytearray(bits // 8))

    def add(self, key: str) -> None:
        """Remember that a number comes (again).

        Raises:
            TooManyError: more than `MAX_SUSPECTS` come more than once.
        """
        number, count = digest(key), len(self._bits) * 8
        position, step = number & 0xFFFFFFFF, (number >> 32) | 1
        known = True
        for _ in range(_PROBES):
            byte, bit = divmod(position % count, 8)
            mask = 1 << bit
            if not self._bits[byte] & mask:
                known = False
                self._bits[byte] |= mask
            position += step
        if known:
            self.suspects.add(number)
            if len(self.suspects) > MAX_SUSPECTS:
                raise TooManyError

    def to_bytes(self) -> bytes:
        """Everything, for `from_bytes`."""
        return pack(self.suspects) + bytes(self._bits)

    @classmethod
    def from_bytes(cls, data: bytes) -> "SeenNumbers":
        """Read `to_bytes` back."""
        suspects, rest = unpack(data)
        return cls(bytearray(rest), suspects)


class Recount:
    """How often each suspect really comes.

    Args:
        unseen: Digests of the suspects that have not come yet.
        once: Those that have come once.
        apart: Those that have come more than once, or once and in a row that may be theirs.
        size: Bytes of their rows.
        doubtful: Those that have come in no other rows.
    """

    def __init__(
        self,
        unseen: Iterable[int],
        once: Iterable[int] = (),
        apart: Iterable[int] = (),
        size: int = 0,
        doubtful: Iterable[int] = (),
    ) -> None:
        self._unseen, self._once, self.apart, self.size = set(unseen), set(once), set(apart), size
        self._doubtful = set(doubtful)

    def add(self, key: str, size: int) -> None:
        """Count rows of this many bytes that a number has, if it is a suspect."""
        number = digest(key)
        if number in self._unseen:
            self._unseen.remove(number)
            self._once.add(number)
        elif number in self._once or number in self._doubtful:
            self._once.discard(number)
            self._doubtful.discard(number)
            self.apart.add(number)
        elif number not in self.apart:
            return
        self.size += size

    def doubt(self, key: str) -> None:
        """Take notice of a row that may be one of a number's, if it is a suspect."""
        number = digest(key)
        if number in self._unseen:
            self._unseen.remove(number)
            self._doubtful.add(number)
        elif number in self._once:
            self._once.remove(number)
            self.apart.add(number)

    def to_bytes(self) -> bytes:
        """Everything, for `from_bytes`."""
        return b"".join(map(pack, (self._unseen, self._once, self.apart, [self.size], self._doubtful)))

    @classmethod
    def from_bytes(cls, data: bytes) -> "Recount":
        """Read `to_bytes` back."""
        unseen, rest = unpack(data)
        once, rest = unpack(rest)
        apart, rest = unpack(rest)
        [size], rest = unpack(rest)
        return cls(unseen, once, apart, size, unpack(rest)[0] if rest else ())


def pack(numbers: Iterable[int]) -> bytes:
    """Numbers of 64 bits as bytes, after their count."""
    listed = [*numbers]
    return struct.pack(f">{len(listed) + 1}Q", len(listed), *listed)


def unpack(data: bytes) -> tuple[list[int], bytes]:
    """The numbers that `pack` packed, and the bytes that follow them."""
    (count,) = struct.unpack_from(">Q", data)
    numbers = struct.unpack_from(f">{count}Q", data, 8)
    return [*numbers], data[8 * (count + 1) :]
