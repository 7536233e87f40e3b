"""The child process that decodes compressed images: run as a script, it imports nothing of canalfit.

A damaged image can make a native decoder crash or ask for all memory. Here that ends this process
and nothing else, and the parent names the file. Requests and answers travel through pipes:

    request:  header (syntax number, rows, columns, bytes), then the compressed bytes
    answer:   header (status, bytes), then rows x columns 16-bit values, or an error text
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from typing import BinaryIO

import numpy as np

REQUEST = struct.Struct("<HIIQ")
ANSWER = struct.Struct("<BQ")
OK, FAILED = 0, 1
MEMORY_BYTES = 4 * 2**30  # address space of this process; the largest slice needs a hundredth of it

RLE, JPEG_LS, JPEG_2000, JPEG = range(4)


def decode_rle(code: bytes, rows: int, columns: int) -> np.ndarray:
    """Decode RLE Lossless of PS3.5 annex G: two PackBits segments, high byte first."""
    offsets = struct.unpack_from("<16I", code)
    if offsets[0] != 2:
        raise ValueError(f"{offsets[0]} RLE segments instead of 2")
    ends = [*offsets[2:3], len(code)]
    out = np.empty((rows * columns, 2), np.uint8)
    for k in range(2):
        segment = _unpack_bits(code[offsets[1 + k] : ends[k]], rows * columns)
        out[:, 1 - k] = np.frombuffer(segment, np.uint8)
    return out.view("<u2").reshape(rows, columns)


def _unpack_bits(packed: bytes, size: int) -> bytearray:
    out = bytearray()
    at, end = 0, len(packed)
    while at < end and len(out) < size:
        n = packed[at]
        if n < 128:
            out += packed[at + 1 : at + 2 + n]
            at += n + 2
        elif n > 128:
            out += packed[at + 1 : at + 2] * (257 - n)
            at += 2
        else:
            at += 1
    if len(out) != size:
        raise ValueError(f"an RLE segment holds {len(out)} bytes instead of {size}")
    return out


def decode_jpeg_ls(code: bytes, rows: int, columns: int) -> np.ndarray:
    """Decode JPEG-LS with CharLS."""
    import jpeg_ls

    return jpeg_ls.decode(np.frombuffer(code, np.uint8))


def decode_jpeg_2000(code: bytes, rows: int, columns: int) -> np.ndarray:
    """Decode JPEG 2000 and high-throughput JPEG 2000 with OpenJPEG."""
    import openjpeg

    return openjpeg.decode(code)


def decode_jpeg(code: bytes, rows: int, columns: int) -> np.ndarray:
    """Decode JPEG lossless and 12-bit extended with imagecodecs."""
    import imagecodecs

    return imagecodecs.jpeg_decode(code)


DECODERS: dict[int, Callable[[bytes, int, int], np.ndarray]] = {
    RLE: decode_rle,
    JPEG_LS: decode_jpeg_ls,
    JPEG_2000: decode_jpeg_2000,
    JPEG: decode_jpeg,
}


def decode(kind: int, code: bytes, rows: int, columns: int) -> bytes:
    """Return rows x columns little endian 16-bit values; raises whatever the decoder raises."""
    image = DECODERS[kind](code, rows, columns)
    if image.shape != (rows, columns) or image.dtype.kind not in "iu" or image.dtype.itemsize > 2:
        raise ValueError(f"the decoder returned {image.shape} {image.dtype} instead of {(rows, columns)} 16-bit values")
    return image.astype("<i2" if image.dtype.kind == "i" else "<u2", copy=False).tobytes()


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until the parent closes the pipe."""
    while head := requests.read(REQUEST.size):
        kind, rows, columns, size = REQUEST.unpack(head)
        code = requests.read(size)
        try:
            status, payload = OK, decode(kind, code, rows, columns)
        except KeyboardInterrupt:
            return
        except BaseException as error:  # some native decoders raise what is no Exception
            status, payload = FAILED, f"{type(error).__name__}: {error}".encode()[:500]
        answers.write(ANSWER.pack(status, len(payload)))
        answers.write(payload)
        answers.flush()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _limit_memory()
    serve(sys.stdin.buffer, sys.stdout.buffer)
