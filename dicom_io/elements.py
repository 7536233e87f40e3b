"""A small reader for the top level of a DICOM header: which bytes stand behind which tag.

It exists because a scan of 2,000 files must not take seconds and because a damaged header must
end in one sentence. It looks at the top level only, steps over sequences without building them, and
stops at the pixel data. Everything nested (functional groups, DICOMDIR, SEG) goes through pydicom.
The layout is that of PS3.5 chapter 7 and PS3.10 chapter 7; pydicom is the oracle in the tests.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Set
from dataclasses import dataclass

from dicom_io.limits import HEAD_BYTES, MAX_DEPTH, MAX_HEADER_BYTES, MAX_INFLATED_BYTES

IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
DEFLATED_LE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BE = "1.2.840.10008.1.2.2"

PIXEL_DATA = 0x7FE00010
FLOAT_PIXEL_DATA = (0x7FE00008, 0x7FE00009)
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_LONG_VR = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_PREAMBLE = 128


class MalformedHeaderError(Exception):
    """The bytes are not a DICOM header; the text says where and why."""


class NotDicomError(Exception):
    """The file makes no claim to be DICOM."""


@dataclass(frozen=True, slots=True)
class Elements:
    """Values of the wanted tags as raw bytes, and where the pixel data lies.

    ``pixel_offset`` and ``pixel_length`` are of the value field (in the inflated data set for
    the deflated syntax); both are None without pixel data, and the length alone is None for
    encapsulated (compressed) data.
    """

    values: dict[int, bytes]
    transfer_syntax: str
    big_endian: bool
    pixel_offset: int | None
    pixel_length: int | None
    has_preamble: bool
    inflated: bytes | None = None


class _Window:
    """The first bytes of a file, growing on demand."""

    def __init__(self, read_at: Callable[[int, int], bytes], size: int) -> None:
        self._read_at, self.size = read_at, size
        self.data = read_at(0, min(HEAD_BYTES, size))

    def need(self, stop: int) -> bytes:
        """Return the bytes from the start, at least up to ``stop``."""
        if stop > self.size:
            raise MalformedHeaderError(f"the header points to byte {stop}, the file has {self.size}")
        if stop > MAX_HEADER_BYTES:
            raise MalformedHeaderError(f"the header is longer than {MAX_HEADER_BYTES} bytes")
        while len(self.data) < stop:
            more = self._read_at(len(self.data), min(self.size, max(stop, 4 * len(self.data))) - len(self.data))
            if not more:
                raise MalformedHeaderError(f"the file ends at byte {len(self.data)}, the header goes on to {stop}")
            self.data += more
        return self.data


class _Walker:
    """Steps from element to element; one instance per encoding."""

    def __init__(self, window: _Window, *, explicit: bool, big_endian: bool) -> None:
        self._window = window
        self.explicit = explicit
        order = ">" if big_endian else "<"
        self._tag = struct.Struct(order + "HH").unpack_from
        self._u16 = struct.Struct(order + "H").unpack_from
        self._u32 = struct.Struct(order + "I").unpack_from

    def element(self, at: int, *, explicit: bool) -> tuple[int, bytes, int, int]:
        """Return tag, VR, offset of the value and its length."""
        data = self._window.data
        if len(data) < at + 12:
            data = self._window.need(min(at + 12, self._window.size))
            if len(data) < at + 8:
                raise MalformedHeaderError(f"an element starts at byte {at}, the file ends at {len(data)}")
        group, number = self._tag(data, at)
        tag = group << 16 | number
        if not explicit or group == 0xFFFE:
            return tag, b"", at + 8, self._u32(data, at + 4)[0]
        vr = data[at + 4 : at + 6]
        if not (vr.isalpha() and vr.isupper()):
            raise MalformedHeaderError(
                f"element ({group:04X},{number:04X}) at byte {at} has no value representation: {vr!r}"
            )
        if vr in _LONG_VR:
            if len(data) < at + 12:
                raise MalformedHeaderError(f"an element starts at byte {at}, the file ends at {len(data)}")
            return tag, vr, at + 12, self._u32(data, at + 8)[0]
        return tag, vr, at + 8, self._u16(data, at + 6)[0]

    def skip_sequence(self, at: int, *, explicit: bool, depth: int = 0) -> int:
        """Return the offset behind a sequence of undefined length that starts at ``at``."""
        if depth > MAX_DEPTH:
            raise MalformedHeaderError(f"sequences are nested deeper than {MAX_DEPTH}")
        while True:
            tag, _, value, length = self.element(at, explicit=explicit)
            if tag == _SEQUENCE_END:
                return value
            if tag != _ITEM:
                raise MalformedHeaderError(f"no item at byte {at} of a sequence")
            at = value + length if length != _UNDEFINED else self._skip_item(value, explicit=explicit, depth=depth)

    def _skip_item(self, at: int, *, explicit: bool, depth: int) -> int:
        while True:
            tag, vr, value, length = self.element(at, explicit=explicit)
            if tag == _ITEM_END:
                return value
            at = self.behind(vr, value, length, explicit=explicit, depth=depth + 1)

    def behind(self, vr: bytes, value: int, length: int, *, explicit: bool, depth: int = 0) -> int:
        """Return the offset behind an element's value."""
        if length != _UNDEFINED:
            return value + length
        # An undefined length of VR UN holds implicit little endian items (PS3.5, 6.2.2 note 2).
        return self.skip_sequence(value, explicit=explicit and vr != b"UN", depth=depth)


def read_elements(read_at: Callable[[int, int], bytes], size: int, wanted: Set[int]) -> Elements:
    """Read the wanted top-level elements of one file.

    Parameters
    ----------
    read_at : callable
        ``read_at(offset, count) -> bytes`` of the file.
    size : int
        Bytes of the file.
    wanted : set of int
        Tags as ``group << 16 | element``.

    Raises
    ------
    NotDicomError
        Neither the DICM mark at byte 128 nor a bare data set.
    MalformedHeaderError
        The header ends early or contradicts itself.
    """
    window = _Window(read_at, size)
    start, syntax, has_preamble = _file_meta(window)
    if syntax == DEFLATED_LE:
        inflated = _inflate(read_at(start, size - start))
        window = _Window(lambda at, count: inflated[at : at + count], len(inflated))
        start = 0
    else:
        inflated = None
    big_endian = syntax == EXPLICIT_BE
    walker = _Walker(window, explicit=syntax != IMPLICIT_LE, big_endian=big_endian)
    values, pixel_offset, pixel_length = _walk(walker, window, start, wanted)
    return Elements(values, syntax, big_endian, pixel_offset, pixel_length, has_preamble, inflated)


def _walk(
    walker: _Walker, window: _Window, at: int, wanted: Set[int]
) -> tuple[dict[int, bytes], int | None, int | None]:
    values: dict[int, bytes] = {}
    explicit, size = walker.explicit, window.size
    while at < size:
        tag, vr, value, length = walker.element(at, explicit=explicit)
        if tag == PIXEL_DATA:
            return values, value, None if length == _UNDEFINED else length
        if tag in FLOAT_PIXEL_DATA:
            return values, None, None
        at = walker.behind(vr, value, length, explicit=explicit)
        if at > size:
            raise MalformedHeaderError(
                f"element ({tag >> 16:04X},{tag & 0xFFFF:04X}) ends at byte {at}, the file at {size}"
            )
        if tag in wanted:
            if tag in values:
                raise MalformedHeaderError(f"element ({tag >> 16:04X},{tag & 0xFFFF:04X}) occurs twice")
            if length == _UNDEFINED:
                values[tag] = b"\x00"  # a sequence: that it is there is all the top level can tell
            else:
                values[tag] = window.need(at)[value:at]
    return values, None, None


def _file_meta(window: _Window) -> tuple[int, str, bool]:
    """Return where the data set starts, its transfer syntax, and whether a preamble was there."""
    data = window.data
    if data[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
        start, has_preamble = _PREAMBLE + 4, True
    elif data[:4] in (b"\x02\x00\x00\x00", b"\x02\x00\x02\x00", b"\x02\x00\x01\x00", b"\x02\x00\x10\x00"):
        start, has_preamble = 0, False
    elif _looks_like_bare_data_set(data):
        return 0, EXPLICIT_LE if data[4:6].isalpha() and data[4:6].isupper() else IMPLICIT_LE, False
    else:
        raise NotDicomError
    walker = _Walker(window, explicit=True, big_endian=False)
    at, syntax = start, ""
    while at < window.size:
        group = window.need(min(at + 2, window.size))[at : at + 2]
        if group != b"\x02\x00":
            break
        tag, vr, value, length = walker.element(at, explicit=True)
        at = walker.behind(vr, value, length, explicit=True)
        if tag == 0x00020010:
            syntax = window.need(at)[value:at].rstrip(b"\x00 ").decode("ascii", "replace")
    if not syntax:
        raise MalformedHeaderError("the transfer syntax (0002,0010) is missing")
    return at, syntax, has_preamble


def _looks_like_bare_data_set(data: bytes) -> bool:
    """Group 0008, an even element that CT headers start with, and a length that fits."""
    if len(data) < 16 or data[:2] != b"\x08\x00":
        return False
    number = data[2] | data[3] << 8
    if number > 0x0070:
        return False
    vr = data[4:6]
    if vr.isalpha() and vr.isupper():
        return True
    return int.from_bytes(data[4:8], "little") <= 256


def _inflate(packed: bytes) -> bytes:
    """Inflate a deflated data set, stopping at the limit instead of filling the memory."""
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = engine.decompress(packed, MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise MalformedHeaderError(f"the deflated data set is damaged ({error})") from None
    if engine.unconsumed_tail:
        raise MalformedHeaderError(f"the deflated data set grows beyond {MAX_INFLATED_BYTES} bytes")
    if not engine.eof:
        raise MalformedHeaderError("the deflated data set ends early")
    return data
