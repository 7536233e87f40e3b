"""Takes compressed images out of their fragments (PS3.5 annex A.4) and reads the size they claim."""

from __future__ import annotations

import itertools
import struct

from dicom_io.elements import MalformedHeaderError

_ITEM, _END = 0xFFFEE000, 0xFFFEE0DD
_JPEG_START, _J2K_START = b"\xff\xd8", b"\xff\x4f\xff\x51"
# Start-of-frame markers of JPEG (C0 to CF without DHT, JPG, DAC) and of JPEG-LS (F7).
_START_OF_FRAME = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}


def frames_in(data: bytes, offset: int, n_frames: int) -> list[bytes]:
    """Return the compressed bytes of each frame.

    Parameters
    ----------
    data : bytes
        The whole file.
    offset : int
        Where the value of Pixel Data begins.
    n_frames : int
        As the header announces.

    Raises
    ------
    MalformedHeaderError
        The fragments are cut, or cannot be told apart into frames.
    """
    items = _items(data, offset)
    table, fragments = items[0], items[1:]
    if not fragments:
        raise MalformedHeaderError("there are no compressed fragments")
    if n_frames == 1:
        return [b"".join(data[a:b] for a, b in fragments)]
    if len(fragments) == n_frames:
        return [data[a:b] for a, b in fragments]
    return _by_offset_table(data, table, fragments, n_frames)


def _items(data: bytes, offset: int) -> list[tuple[int, int]]:
    """Return start and stop of each item's value; the first is the basic offset table."""
    items = []
    at = offset
    while True:
        if at + 8 > len(data):
            raise MalformedHeaderError(f"the compressed data end at byte {len(data)} without an end mark")
        group, number, length = struct.unpack_from("<HHI", data, at)
        tag, at = group << 16 | number, at + 8
        if tag == _END:
            break
        if tag != _ITEM or at + length > len(data):
            raise MalformedHeaderError(f"the compressed data are damaged at byte {at - 8}")
        items.append((at, at + length))
        at += length
    if not items:
        raise MalformedHeaderError("the compressed data have no offset table")
    return items


def _by_offset_table(
    data: bytes, table: tuple[int, int], fragments: list[tuple[int, int]], n_frames: int
) -> list[bytes]:
    starts = [o for (o,) in struct.iter_unpack("<I", data[table[0] : table[0] + (table[1] - table[0]) // 4 * 4])]
    base = fragments[0][0] - 8
    known = {a - 8 - base: i for i, (a, _) in enumerate(fragments)}
    if len(starts) != n_frames or starts != sorted(set(starts)) or not all(s in known for s in starts):
        raise MalformedHeaderError(f"{len(fragments)} fragments cannot be told apart into {n_frames} frames")
    edges = [known[s] for s in starts] + [len(fragments)]
    return [b"".join(data[x:y] for x, y in fragments[a:b]) for a, b in itertools.pairwise(edges)]


def claimed_size(code: bytes) -> tuple[int, int, int] | None:
    """Return (rows, columns, components) that a JPEG, JPEG-LS or JPEG 2000 stream claims, None if it claims none.

    Read before any decoder sees the bytes: a damaged header may ask a decoder for gigabytes.
    """
    if code.startswith(_J2K_START) and len(code) >= 42:
        x1, y1, x0, y0 = struct.unpack_from(">4I", code, 8)
        return y1 - y0, x1 - x0, struct.unpack_from(">H", code, 40)[0]
    if not code.startswith(_JPEG_START):
        return None
    at = 2
    while at + 9 < len(code):
        if code[at] != 0xFF:
            return None
        marker = code[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _START_OF_FRAME:
            rows, columns, components = struct.unpack_from(">HHB", code, at + 5)
            return rows, columns, components
        at += 2 + struct.unpack_from(">H", code, at + 2)[0]
    return None
