"""Slices whose pixel data are blank, cut, garbled or another slice's (rows 3 and 16).

Their headers are without fault; what gives them away is that they do not fit between their neighbours.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from dicom_io.checks import Notice, name_some
from dicom_io.errors import DicomError
from dicom_io.header import Frame
from sizing.findings import Finding, Level

_TISSUE_HU = -200  # above: body; below: air, lung, foam, most of the table
_AIR_HU = -900
_STEADY_HU = 100  # two slices that agree so well have the same tissue at this voxel
_JUMP_HU = 300  # and no slice between them can differ from both by this much
_BANDS = 8  # a slice is judged in bands of rows, so that a half-written one is found
_BAND_TISSUE = 0.1  # share of a band that must be steady tissue before it is judged
_BAND_SHARE = 0.75
_SAME_ROW = 0.8  # of the neighbour's tissue: up to where it breaks off, a slice is as wide as the one beside it
_RARE_SHARE = 0.1
_ADVICE = "Its pixel data are blank, cut or damaged; copy or export the file again."


def check_damage(frames: Sequence[Frame], samples: NDArray[np.int16]) -> Iterator[Notice]:
    """Yield what looks damaged; ``samples`` (slice, row, column) are Hounsfield units of some rows and columns."""
    yield from _strange_slices(frames, samples)
    yield from _broken_off(frames, samples)
    yield from _blank_ends(frames, samples)
    yield from _repeated_slices(frames, samples)


def _strange_slices(frames: Sequence[Frame], samples: NDArray[np.int16]) -> Iterator[DicomError]:
    """Find slices that are blank, cut or shifted: they differ from both neighbours where those agree (row 16)."""
    strange = [
        frames[i].label for i in range(1, len(frames) - 1) if _is_strange(*samples[i - 1 : i + 2].astype(np.int32))
    ]
    if strange:
        yield DicomError(
            "CF-D016g",
            "the content of a slice does not fit between its neighbours",
            where=name_some(strange),
            measured=f"tissue differs by more than {_JUMP_HU} HU from both neighbours",
            advice=_ADVICE,
        )


def _is_strange(before: NDArray, here: NDArray, after: NDArray) -> bool:
    """Judge a slice in bands of rows; two bands must be strange, since a part of the couch may come and go."""
    if len(here) < _BANDS:
        return False
    steady = (before > _TISSUE_HU) & (after > _TISSUE_HU) & (np.abs(before - after) < _STEADY_HU)
    jump = steady & (np.abs(2 * here - before - after) > 2 * _JUMP_HU)
    starts = np.linspace(0, len(here), _BANDS, endpoint=False).astype(int)
    n_steady = np.add.reduceat(steady.sum(axis=1), starts)
    n_jump = np.add.reduceat(jump.sum(axis=1), starts)
    enough = n_steady > _BAND_TISSUE * here.size / _BANDS
    return int(np.count_nonzero(enough & (n_jump > _BAND_SHARE * n_steady))) >= 2


def _broken_off(frames: Sequence[Frame], samples: NDArray[np.int16]) -> Iterator[DicomError]:
    """Find slices that were written in part: beyond tissue, all rows hold one value, and the next slice goes on."""
    flat = samples.min(axis=2) == samples.max(axis=2)
    for i, rows in enumerate(flat):
        full = np.flatnonzero(~rows)
        if len(full) < 2 or not (rows[0] or rows[-1]):
            continue
        here, beside = samples[i] > _TISSUE_HU, samples[i - 1 if i else 1] > _TISSUE_HU
        # The row at the edge may itself be cut: the one before it is compared.
        for edge, rest in ((full[1], slice(0, full[0])), (full[-2], slice(full[-1] + 1, len(rows)))):
            is_as_wide = here[edge].mean() >= _SAME_ROW * beside[edge].mean() > _SAME_ROW * _BAND_TISSUE
            goes_on = _BANDS * len(rows[rest]) >= len(rows) and beside[rest].mean() > _BAND_TISSUE
            if is_as_wide and goes_on:
                yield DicomError(
                    "CF-D016g",
                    "the content of a slice breaks off",
                    where=frames[i].label,
                    measured=f"one value in {len(rows[rest]) / len(rows):.0%} of its rows",
                    advice=_ADVICE,
                )
                return


def _blank_ends(frames: Sequence[Frame], samples: NDArray[np.int16]) -> Iterator[Finding]:
    """Find blank slices at the ends of a scan whose air is not blank: perhaps lost, perhaps beyond the limb (row 2)."""
    air = samples[samples < _AIR_HU]
    blank = np.ptp(samples, axis=(1, 2)) == 0
    if (not blank[0] and not blank[-1]) or blank.all() or not len(air) or not np.ptp(air):
        return
    first, last = np.flatnonzero(~blank)[[0, -1]]
    labels = [f.label for f in (*frames[:first], *frames[last + 1 :])]
    text = f"the scan ends in {len(labels)} blank slice{'s' * (len(labels) > 1)}: {name_some(labels)}."
    advice = "Look whether the end of the stump and the upper end of the bone are covered."
    yield Finding(Level.WARNING, "CF-D002c", text, advice)


def _repeated_slices(frames: Sequence[Frame], samples: NDArray[np.int16]) -> Iterator[DicomError]:
    """Two slices of a noisy scan that agree in every voxel are one image under two positions (row 3)."""
    change = np.array([np.count_nonzero(a != b) for a, b in itertools.pairwise(samples)])
    structured = np.array([s.min() != s.max() for s in samples])
    same = np.flatnonzero((change == 0) & structured[:-1])
    if len(same) and np.median(change) > samples[0].size / 4 and len(same) < _RARE_SHARE * len(change) + 1:
        i = int(same[0])
        yield DicomError(
            "CF-D003b",
            "the same image stands at two positions",
            where=f"{frames[i].label}, {frames[i + 1].label}",
            measured=f"equal in all of {samples[0].size} sampled voxels, where other neighbours differ in most",
            advice="One of the two files was overwritten; copy or export the series again.",
        )
