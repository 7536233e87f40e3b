"""A small, strict reader of DICOM headers: which bytes stand behind which tag.

It exists because a scan of 2,000 files must not take seconds, and because a damaged header must
end in one sentence (docs/method/dicom.md says why). It stops at the pixel data, keeps the values of the tags it was
asked for as raw bytes, opens the few sequences it was asked for, and steps over all else. The
layout is that of PS3.5 chapter 7 and PS3.10 chapter 7; pydicom is the oracle in the tests.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import TypeAlias

import dicom_io.limits as limits

IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
DEFLATED_LE = "1.2.840.10008.1.2.1.99"
EXPLICIT_BE = "1.2.840.10008.1.2.2"
NATIVE = {IMPLICIT_LE, EXPLICIT_LE, DEFLATED_LE, EXPLICIT_BE}

Value: TypeAlias = "bytes | list[dict[int, Value]]"
_Element: TypeAlias = "tuple[int, bytes, int, int]"  # tag, VR, offset of the value, its length

_PIXEL_DATA = 0x7FE00010
_FLOAT_PIXEL_DATA = (0x7FE00008, 0x7FE00009)
_TRANSFER_SYNTAX = 0x00020010
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_LONG_VR = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
_SHORT_VR = {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH"}
_SHORT_VR |= {b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"}
_KNOWN_VR = _LONG_VR | _SHORT_VR
_PREAMBLE = 128
# A bare data set starts with an element of group 0008 no further than this, and a short value.
_BARE_LAST_ELEMENT, _BARE_LONGEST = 0x0070, 256


class MalformedHeaderError(Exception):
    """The bytes are not a DICOM header; the text says where and why."""


class NotDicomError(Exception):
    """The file makes no claim to be DICOM."""


@dataclass(frozen=True, slots=True)
class Elements:
    """Values of the wanted tags, and where the pixel data lie.

    Attributes
    ----------
    values : dict
        Tag to raw bytes, or to a list of items for a sequence that was asked for.
    pixel_offset, pixel_length : int or None
        Of the value field; both None without pixel data, the length alone None for encapsulated data.
    size : int
        Bytes of the file, or of the inflated data set.
    start : int
        Where the data set begins in the file. Of a deflated file, all other offsets count in the inflated data set.
    """

    values: dict[int, Value]
    transfer_syntax: str
    big_endian: bool
    pixel_offset: int | None
    pixel_length: int | None
    has_preamble: bool
    size: int
    start: int


class _Window:
    """The first bytes of a file, growing on demand."""

    def __init__(self, read_at: Callable[[int, int], bytes], size: int) -> None:
        self._read_at, self.size = read_at, size
        self.data = read_at(0, min(limits.HEAD_BYTES, size))

    def need(self, stop: int) -> bytes:
        """Return the bytes from the start, at least up to ``stop``."""
        if stop <= len(self.data):
            return self.data
        if stop > self.size:
            raise MalformedHeaderError(f"the header points to byte {stop}, the file ends at {self.size}")
        if stop > limits.MAX_HEADER_BYTES:
            raise MalformedHeaderError(f"the header is longer than {limits.MAX_HEADER_BYTES} bytes")
        while len(self.data) < stop:
            more = self._read_at(len(self.data), min(self.size, max(stop, 4 * len(self.data))) - len(self.data))
            if not more:
                raise MalformedHeaderError(f"the file ends at byte {len(self.data)}, the header goes on to {stop}")
            self.data += more
        return self.data


class _Walker:
    """Steps from element to element in one byte order."""

    def __init__(self, window: _Window, wanted: Set[int], nested: Set[int], *, big_endian: bool) -> None:
        self._window, self._wanted, self._nested = window, wanted, nested
        order = ">" if big_endian else "<"
        self._tag = struct.Struct(order + "HH").unpack_from
        self._u16 = struct.Struct(order + "H").unpack_from
        self._u32 = struct.Struct(order + "I").unpack_from

    def element(self, at: int, explicit: bool) -> _Element:
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
        if vr not in _KNOWN_VR:
            raise MalformedHeaderError(f"element {_name(tag)} at byte {at} has no known value representation: {vr!r}")
        if vr in _LONG_VR:
            if len(data) < at + 12:
                raise MalformedHeaderError(f"an element starts at byte {at}, the file ends at {len(data)}")
            return tag, vr, at + 12, self._u32(data, at + 8)[0]
        return tag, vr, at + 8, self._u16(data, at + 6)[0]

    def items(self, at: int, length: int, explicit: bool, depth: int, keep: bool) -> tuple[list[dict[int, Value]], int]:
        """Return the items of a sequence whose value starts at ``at``, and the offset behind it."""
        if depth > limits.MAX_DEPTH:
            raise MalformedHeaderError(f"sequences are nested deeper than {limits.MAX_DEPTH}")
        stop = self._window.size if length == _UNDEFINED else at + length
        found: list[dict[int, Value]] = []
        while at < stop:
            tag, _, value, item_length = self.element(at, explicit)
            if tag == _SEQUENCE_END and length == _UNDEFINED:
                return found, value
            if tag != _ITEM:
                raise MalformedHeaderError(f"a sequence has no item at byte {at}")
            item, at = self.data_set(value, item_length, explicit, depth, keep)
            found.append(item)
            if len(found) > limits.MAX_FRAMES:
                raise MalformedHeaderError(f"a sequence has more than {limits.MAX_FRAMES} items")
        if length == _UNDEFINED or at != stop:
            raise MalformedHeaderError(f"a sequence does not end where it says, at byte {at}")
        return found, at

    def data_set(self, at: int, length: int, explicit: bool, depth: int, keep: bool) -> tuple[dict[int, Value], int]:
        """Return the wanted elements of one item, and the offset behind it."""
        stop = self._window.size if length == _UNDEFINED else at + length
        if length != _UNDEFINED and not keep:
            return {}, stop
        values: dict[int, Value] = {}
        while at < stop:
            element = self.element(at, explicit)
            if element[0] == _ITEM_END and length == _UNDEFINED:
                return values, element[2]
            at = self.take(values, element, explicit, depth, keep)
        if length == _UNDEFINED or at != stop:
            raise MalformedHeaderError(f"an item does not end where it says, at byte {at}")
        return values, at

    def take(self, values: dict[int, Value], element: _Element, explicit: bool, depth: int, keep: bool) -> int:
        """Keep one element if it is wanted; return the offset behind it."""
        tag, vr, at, length = element
        nested = tag in self._nested and keep
        if length == _UNDEFINED or (nested and (vr == b"SQ" or not explicit)):
            # An undefined length of VR UN holds implicit little endian items (PS3.5, 6.2.2 note 2).
            items, stop = self.items(at, length, explicit and vr != b"UN", depth + 1, nested)
            if nested:
                self._put(values, tag, items)
            return stop
        stop = at + length
        if stop > self._window.size:
            raise MalformedHeaderError(f"element {_name(tag)} ends at byte {stop}, the file at {self._window.size}")
        if keep and tag in self._wanted:
            self._put(values, tag, self._window.need(stop)[at:stop])
        return stop

    @staticmethod
    def _put(values: dict[int, Value], tag: int, value: Value) -> None:
        if tag in values:
            raise MalformedHeaderError(f"element {_name(tag)} occurs twice")
        values[tag] = value


def read_elements(
    read_at: Callable[[int, int], bytes], size: int, wanted: Set[int], nested: Set[int] = frozenset()
) -> Elements:
    """Read the wanted elements of one file.

    Parameters
    ----------
    read_at : callable
        ``read_at(offset, count) -> bytes`` of the file.
    size : int
        Bytes of the file.
    wanted, nested : set of int
        Tags as ``group << 16 | element``: values to keep, and sequences to open.

    Returns
    -------
    Elements

    Raises
    ------
    NotDicomError
        Neither the DICM mark at byte 128 nor a bare data set.
    MalformedHeaderError
        The header ends early or contradicts itself.
    """
    window = _Window(read_at, size)
    start, syntax, has_preamble = _file_meta(window)
    begin = start
    if syntax == DEFLATED_LE:
        whole = inflate(read_at(start, size - start))
        window = _Window(lambda at, count: whole[at : at + count], len(whole))
        begin = 0
    big_endian = syntax == EXPLICIT_BE
    walker = _Walker(window, wanted, nested, big_endian=big_endian)
    # Some exports declare explicit VR and write implicit; the first element tells (pydicom does the same).
    explicit = syntax != IMPLICIT_LE and window.data[begin + 4 : begin + 6] in _KNOWN_VR
    values, pixel_offset, pixel_length = _walk(walker, window.size, begin, explicit)
    return Elements(values, syntax, big_endian, pixel_offset, pixel_length, has_preamble, window.size, start)


def _walk(walker: _Walker, size: int, at: int, explicit: bool) -> tuple[dict[int, Value], int | None, int | None]:
    values: dict[int, Value] = {}
    while at < size:
        element = walker.element(at, explicit)
        tag, _, value, length = element
        if tag == _PIXEL_DATA:
            return values, value, None if length == _UNDEFINED else length
        if tag in _FLOAT_PIXEL_DATA:
            return values, None, None
        at = walker.take(values, element, explicit, 0, True)
    return values, None, None


def _file_meta(window: _Window) -> tuple[int, str, bool]:
    """Return where the data set starts, its transfer syntax, and whether a preamble was there."""
    data = window.data
    if data[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
        start, has_preamble = _PREAMBLE + 4, True
    elif data[:2] == b"\x02\x00" and data[3:4] == b"\x00" and data[4:6] in _KNOWN_VR:
        start, has_preamble = 0, False
    elif _looks_like_bare_data_set(data):
        return 0, EXPLICIT_LE if data[4:6] in _KNOWN_VR else IMPLICIT_LE, False
    else:
        raise NotDicomError
    walker = _Walker(window, {_TRANSFER_SYNTAX}, frozenset(), big_endian=False)
    values: dict[int, Value] = {}
    at = start
    while at < window.size and window.need(min(at + 2, window.size))[at : at + 2] == b"\x02\x00":
        at = walker.take(values, walker.element(at, True), True, 0, True)
    raw = values.get(_TRANSFER_SYNTAX, b"")
    syntax = raw.rstrip(b"\x00 ").decode("ascii", "replace") if isinstance(raw, bytes) else ""
    if not syntax:
        raise MalformedHeaderError("the transfer syntax (0002,0010) is missing")
    return at, syntax, has_preamble


def _looks_like_bare_data_set(data: bytes) -> bool:
    if len(data) < 16 or data[:2] != b"\x08\x00" or int.from_bytes(data[2:4], "little") > _BARE_LAST_ELEMENT:
        return False
    return data[4:6] in _KNOWN_VR or int.from_bytes(data[4:8], "little") <= _BARE_LONGEST


def inflate(packed: bytes) -> bytes:
    """Inflate a deflated data set, stopping at the limit instead of filling the memory (row 34)."""
    limit = min(limits.MAX_INFLATED_BYTES, limits.FREE_INFLATED_BYTES + limits.MAX_RATIO * len(packed))
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        data = engine.decompress(packed, limit)
    except zlib.error as error:
        raise MalformedHeaderError(f"the deflated data set is damaged ({error})") from None
    if engine.unconsumed_tail:
        raise MalformedHeaderError(f"the deflated data set grows beyond {limit} bytes")
    if not engine.eof:
        raise MalformedHeaderError("the deflated data set ends early")
    return data


def _name(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
