"""Reads the files of a stack once each: hashed, decoded and rescaled straight into the final array."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dicom_io.decoders import Decoder, damaged_fragments, decoders, worker_count
from dicom_io.elements import DEFLATED_LE, NATIVE, MalformedHeaderError, inflate
from dicom_io.fragments import frames_in
from dicom_io.header import Frame, OpenFile, SourceFile
from dicom_io.options import ReadOptions
from dicom_io.pixels import SliceReport, to_hu

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Loaded:
    """Hounsfield units of all images, in the order that was asked for.

    Attributes
    ----------
    hu : (image, row, column) int16 array
    reports : tuple of SliceReport
    hashes : dict
        SHA-256 of each file by its name.
    """

    hu: NDArray[np.int16]
    reports: tuple[SliceReport, ...]
    hashes: dict[str, str]


def load(frames: tuple[Frame, ...], options: ReadOptions) -> Loaded:
    """Read images of one size into one array; raises DicomError naming the file that fails."""
    first = frames[0].pixels
    hu = np.empty((len(frames), first.rows, first.columns), np.int16)
    reports: list[SliceReport | None] = [None] * len(frames)
    jobs: dict[str, list[tuple[int, Frame]]] = {}
    for at, frame in enumerate(frames):
        jobs.setdefault(frame.file.name, []).append((at, frame))
    compressed = any(f.elements.transfer_syntax not in NATIVE for f in frames)
    hashes: dict[str, str] = {}
    done = 0

    with decoders() if compressed else nullcontext() as pool:

        def work(job: list[tuple[int, Frame]]) -> str:
            return _read_file(job, hu, reports, pool)

        # Hashing, reading and decoding leave the interpreter to the other threads.
        for name, digest in _run(jobs, work, worker_count(options.workers)):
            hashes[name] = digest
            done += len(jobs[name])
            if options.progress:
                options.progress(done, len(frames))
    return Loaded(hu, tuple(r for r in reports if r is not None), hashes)


def _run(jobs, work, n_threads: int) -> Iterator[tuple[str, str]]:  # type: ignore[no-untyped-def]
    """Run the jobs in order; with threads, the first error stops what has not begun."""
    if n_threads == 1:
        for name, job in jobs.items():
            yield name, work(job)
        return
    with ThreadPoolExecutor(n_threads) as threads:
        try:
            yield from zip(jobs, threads.map(work, jobs.values()), strict=True)
        finally:
            threads.shutdown(wait=True, cancel_futures=True)


def _read_file(
    job: list[tuple[int, Frame]],
    hu: NDArray[np.int16],
    reports: list[SliceReport | None],
    pool: threading.local | None,
) -> str:
    """Fill the slices that come from one file; returns the SHA-256 of the whole file."""
    file, elements = job[0][1].file, job[0][1].elements
    with file.open() as opened:
        if elements.transfer_syntax in NATIVE and elements.transfer_syntax != DEFLATED_LE:
            digest = _read_native(job, hu, opened)
        else:
            whole = _read_all(opened, file)
            digest = hashlib.sha256(whole).hexdigest()
            _unpack(job, hu, whole, pool)
        opened.check_unchanged()
    for at, frame in job:
        reports[at] = to_hu(hu[at], frame, big_endian=elements.big_endian)
    return digest


def _read_native(job: list[tuple[int, Frame]], hu: NDArray[np.int16], opened: OpenFile) -> str:
    """Read pixel data straight into their slices, hashing every byte of the file on the way."""
    file, elements = job[0][1].file, job[0][1].elements
    assert elements.pixel_offset is not None
    digest = hashlib.sha256()
    at = 0
    for slot, frame in sorted(job, key=lambda item: item[1].index):
        target = hu[slot].data.cast("B")
        start = elements.pixel_offset + frame.index * len(target)
        _hash_range(digest, opened, at, start)
        opened.read_into(target, start)
        digest.update(target)
        at = start + len(target)
    _hash_range(digest, opened, at, file.size)
    return digest.hexdigest()


def _hash_range(digest, opened: OpenFile, start: int, stop: int) -> None:  # type: ignore[no-untyped-def]
    while start < stop:
        chunk = opened.read_at(start, min(_CHUNK, stop - start))
        if not chunk:
            return
        digest.update(chunk)
        start += len(chunk)


def _read_all(opened: OpenFile, file: SourceFile) -> bytes:
    whole = bytearray(file.size)
    opened.read_into(memoryview(whole), 0)
    return bytes(whole)


def _unpack(job: list[tuple[int, Frame]], hu: NDArray[np.int16], whole: bytes, pool: threading.local | None) -> None:
    first = job[0][1]
    elements = first.elements
    assert elements.pixel_offset is not None
    try:
        if elements.transfer_syntax == DEFLATED_LE:
            data = inflate(whole[elements.start :])
            for slot, frame in job:
                start = elements.pixel_offset + frame.index * hu[slot].nbytes
                hu[slot].data.cast("B")[:] = data[start : start + hu[slot].nbytes]
            return
        codes = frames_in(whole, elements.pixel_offset, first.pixels.n_frames)
    except MalformedHeaderError as error:
        raise damaged_fragments(first, error) from None
    assert pool is not None
    decoder: Decoder = pool.decoder  # type: ignore[attr-defined]
    for slot, frame in job:
        decoder.decode(codes[frame.index], frame, hu[slot])
