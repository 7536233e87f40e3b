"""Compressed transfer syntaxes: what is known, what is installed, and the processes that decode (row 14)."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import dicom_io.decode_worker as worker
from dicom_io.elements import MalformedHeaderError
from dicom_io.errors import DicomError
from dicom_io.fragments import claimed_size
from dicom_io.header import Frame

# Transfer syntax -> (name for people, kind of decoder, module it needs, package that brings it).
_SYNTAXES = {
    "1.2.840.10008.1.2.5": ("RLE lossless", worker.RLE, "", ""),
    "1.2.840.10008.1.2.4.51": ("JPEG extended", worker.JPEG, "imagecodecs", "imagecodecs"),
    "1.2.840.10008.1.2.4.57": ("JPEG lossless", worker.JPEG, "imagecodecs", "imagecodecs"),
    "1.2.840.10008.1.2.4.70": ("JPEG lossless SV1", worker.JPEG, "imagecodecs", "imagecodecs"),
    "1.2.840.10008.1.2.4.80": ("JPEG-LS lossless", worker.JPEG_LS, "jpeg_ls", "pyjpegls"),
    "1.2.840.10008.1.2.4.81": ("JPEG-LS near-lossless", worker.JPEG_LS, "jpeg_ls", "pyjpegls"),
    "1.2.840.10008.1.2.4.90": ("JPEG 2000 lossless", worker.JPEG_2000, "openjpeg", "pylibjpeg-openjpeg"),
    "1.2.840.10008.1.2.4.91": ("JPEG 2000", worker.JPEG_2000, "openjpeg", "pylibjpeg-openjpeg"),
    "1.2.840.10008.1.2.4.201": ("HTJ2K lossless", worker.JPEG_2000, "openjpeg", "pylibjpeg-openjpeg"),
    "1.2.840.10008.1.2.4.202": ("HTJ2K lossless RPCL", worker.JPEG_2000, "openjpeg", "pylibjpeg-openjpeg"),
    "1.2.840.10008.1.2.4.203": ("HTJ2K", worker.JPEG_2000, "openjpeg", "pylibjpeg-openjpeg"),
}
SYNTAX_NAMES = {uid: row[0] for uid, row in _SYNTAXES.items()}
# The other lossy ones may hold lossless images and say so in Lossy Image Compression.
LOSSY_SYNTAXES = {"1.2.840.10008.1.2.4.51"}
MAX_WORKERS = 4  # more readers than this wait for the disk
ANSWER_SECONDS = 60.0  # a 512 x 512 slice takes 10 to 50 ms; a decoder that hangs is stopped


def missing_decoder(syntax: str) -> str | None:
    """Return the pip line that would bring the decoder of a syntax, or None if it is there."""
    _, _, module, package = _SYNTAXES[syntax]
    if not module or importlib.util.find_spec(module) is not None:
        return None
    return f"pip install {package}"


class Decoder:
    """One worker process; answers one request at a time."""

    def __init__(self) -> None:
        script = Path(worker.__file__)
        # -P keeps the folder of the script, whose modules have plain names, off the search path.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # a request that was never read is still in the pipe
                assert pipe is not None
                pipe.close()

    def decode(self, code: bytes, frame: Frame, target: NDArray[np.int16]) -> None:
        """Decode one image into ``target``; raises DicomError naming the file, whatever the decoder does."""
        _check_claim(code, frame)
        kind = _SYNTAXES[frame.elements.transfer_syntax][1]
        request = worker.REQUEST.pack(kind, frame.pixels.rows, frame.pixels.columns, len(code))
        watchdog = threading.Timer(ANSWER_SECONDS, self._process.kill)
        watchdog.start()
        try:
            status, payload = self._ask(request, code, target)
        except (OSError, EOFError):
            raise _damaged(frame, "the decoder crashed, hung or ran out of memory on it", "CF-D016f") from None
        finally:
            watchdog.cancel()
        if status != worker.OK:
            raise _damaged(frame, f"the decoder refused it: {payload.decode('utf-8', 'replace')}")

    def _ask(self, request: bytes, code: bytes, target: NDArray[np.int16]) -> tuple[int, bytes]:
        to, answers = self._process.stdin, self._process.stdout
        assert to is not None and answers is not None
        to.write(request)
        to.write(code)
        to.flush()
        head = answers.read(worker.ANSWER.size)
        if len(head) != worker.ANSWER.size:
            raise EOFError
        status, size = worker.ANSWER.unpack(head)
        if status != worker.OK:
            return status, answers.read(size)
        buffer = target.data.cast("B")
        done = 0
        while done < len(buffer):
            n = answers.readinto(buffer[done:])  # type: ignore[attr-defined]
            if not n:
                raise EOFError
            done += n
        return status, b""


def _check_claim(code: bytes, frame: Frame) -> None:
    if SYNTAX_NAMES[frame.elements.transfer_syntax].startswith("RLE"):
        return
    claim, expected = claimed_size(code), (frame.pixels.rows, frame.pixels.columns, 1)
    if claim != expected:
        text = "no size" if claim is None else f"{claim[0]} x {claim[1]}, {claim[2]} components"
        raise _damaged(frame, f"it claims {text} where the header says {expected[0]} x {expected[1]}")


def _damaged(frame: Frame, reason: str, code: str = "CF-D016e") -> DicomError:
    name = SYNTAX_NAMES[frame.elements.transfer_syntax]
    return DicomError(
        code, f"the {name} image is damaged: {reason}", where=frame.label, advice="Copy or export the file again."
    )


def damaged_fragments(frame: Frame, error: MalformedHeaderError) -> DicomError:
    """Return the refusal for compressed data whose fragments cannot be read."""
    return _damaged(frame, str(error))


def worker_count(asked: int | None) -> int:
    """Return the number of worker processes to use."""
    return max(1, asked if asked is not None else min(MAX_WORKERS, os.cpu_count() or 1))


@contextmanager
def decoders() -> Iterator[threading.local]:
    """Give each thread that asks for ``.decoder`` its own worker process; ends them all at the end."""
    started: list[Decoder] = []

    class PerThread(threading.local):
        @property
        def decoder(self) -> Decoder:
            if not hasattr(self, "_decoder"):
                self._decoder = Decoder()
                started.append(self._decoder)
            return self._decoder

    try:
        yield PerThread()
    finally:
        for decoder in started:
            decoder.close()
