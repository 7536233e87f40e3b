"""Do the images lie in the order that their positions say? (rows 4 and 16)

A position that was exchanged with another one leaves a header without fault. Anatomy tells: it changes
little by little, so that a slice is nearer to its neighbour than to the next but one. On 19 real limb
scans (slices of 1.5 to 3.3 mm) no two neighbours looked better the other way round (ratio 1.18 and more),
and of all pairs that were exchanged on purpose each did (0.84 and less). Where noise hides the anatomy both are
1, and nothing is said: so thin slices then hardly differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from dicom_io.checks import Notice, name_some
from dicom_io.errors import DicomError
from dicom_io.header import Frame
from sizing.findings import Finding, Level

_LOW_HU, _HIGH_HU = -1000, 1500  # padding and metal would outweigh the anatomy
_BETTER = 0.9  # of the difference to the neighbours, before an exchange is believed; midway between the ratios above
_ALONE = 1.15  # both neighbours differ by this much more from a slice than from one another: in real scans 0.77 at most
_LEAST_GAIN = 0.25  # of the usual difference between neighbours: half of what an exchange in even anatomy brings
_LEAST_COMB = 6  # slices but two, before a pattern is one
_ODD_END = 1.5  # the step to an end slice over the largest of the next few: in real scans 1.13 at most
_NEAR_END = 4
_TISSUE_HU = -200
_RARE_SHARE = 0.1  # in more slices than this it is a pattern of the scanner, no accident
_NUMBERS_BETTER = 0.98  # one exchange of neighbours among 100 slices saves 2 % of all differences
_EXCHANGED = "the content of the slices is not in the order of their positions"
_ADVICE = "Positions or pixel data were exchanged between files; export the series again."


def check_order(frames: Sequence[Frame], samples: NDArray[np.int16]) -> Iterator[Notice]:
    """Yield what content and image numbers say against the order of the positions.

    Parameters
    ----------
    frames : sequence of Frame
        By position.
    samples : (slice, row, column) int16 array
        Hounsfield units of some rows and columns of each.
    """
    if len(frames) < 4:
        return
    seen = np.clip(samples, _LOW_HU, _HIGH_HU).astype(np.float32)
    numbers = _check_numbers(frames, seen)
    if comb := _comb(frames, seen):
        yield comb
        return
    exchanged, alone = _exchanged(seen)
    if len(exchanged) + len(alone) <= _RARE_SHARE * len(frames) + 1:
        if exchanged:
            yield _refusal([frames[i].label for i in exchanged], "the differences between neighbours shrink")
            return
        if alone := sorted({*alone, *_odd_ends(seen)}):
            labels = name_some([frames[i].label for i in alone])
            text = f"a slice differs from its neighbours more than they do from one another: {labels}."
            advice = "The patient moved, or it is a slice of another scan: look at it."
            yield Finding(Level.WARNING, "CF-D016h", text, advice)
    yield from numbers


def _comb(frames: Sequence[Frame], seen: NDArray[np.float32]) -> DicomError | None:
    """Return a refusal where every second slice is of another scan: slices are like the next but one throughout."""
    one = np.abs(np.diff(seen, axis=0)).mean(axis=(1, 2))
    two = np.abs(seen[2:] - seen[:-2]).mean(axis=(1, 2))
    nearer = float(np.median(np.minimum(one[:-1], one[1:])))
    if len(two) < _LEAST_COMB or nearer <= _ALONE * float(np.median(two)):
        return None
    return DicomError(
        "CF-D004d",
        "two scans lie between one another: each slice is nearer to the next but one than to its neighbours",
        where=f"{frames[0].label}, {frames[1].label}",
        measured=f"neighbours differ by {nearer:.0f} HU, the next but one by {np.median(two):.0f} HU",
        advice="Put the files of the two scans into folders of their own.",
    )


def _odd_ends(seen: NDArray[np.float32]) -> list[int]:
    """Return end slices with tissue that differ from their neighbour far more than the slices beyond it do."""
    one = np.abs(np.diff(seen, axis=0)).mean(axis=(1, 2))
    odd = []
    for end, beyond in ((0, one[1 : 1 + _NEAR_END]), (len(seen) - 1, one[-1 - _NEAR_END : -1])):
        step = one[0 if end == 0 else -1]
        if step > _ODD_END * beyond.max() and (seen[end] > _TISSUE_HU).any():
            odd.append(end)
    return odd


def _refusal(labels: Sequence[str], gain: str) -> DicomError:
    return DicomError(
        "CF-D004b", _EXCHANGED, where=name_some(labels), measured=f"{gain} when they change places", advice=_ADVICE
    )


def _exchanged(seen: NDArray[np.float32]) -> tuple[list[int], list[int]]:
    """Return slices that fit better in one another's place, and slices that fit nowhere."""
    one = np.abs(np.diff(seen, axis=0)).mean(axis=(1, 2))
    two = np.abs(seen[2:] - seen[:-2]).mean(axis=(1, 2))
    # Neighbours i and i + 1: what would be between them and the slices round them, against what is.
    outer = np.concatenate([[0.0], two, [0.0]])
    after = outer[:-1] + outer[1:]
    before = np.concatenate([[0.0], one[:-1]]) + np.concatenate([one[1:], [0.0]])
    usual = float(np.median(one))
    turned = np.flatnonzero((after < _BETTER * before) & (before - after > _LEAST_GAIN * usual))
    # At an end only one side speaks. A damaged or moved slice beside it differs from both its neighbours; an
    # exchanged one is near to the one it changed places with.
    at_end = {0: one[0] < _BETTER * one[1], len(one) - 1: one[-1] < _BETTER * one[-2]}
    turned = turned[[at_end.get(int(i), True) for i in turned]] if len(turned) else turned
    lonely = np.flatnonzero(np.minimum(one[:-1], one[1:]) > _ALONE * np.maximum(two, usual)) + 1
    found = {int(i) + k for i in turned for k in (0, 1)}
    alone = [int(i) for i in lonely if i not in found]
    if len(alone) > _RARE_SHARE * len(seen) + 1:
        return sorted(found), alone
    for i in alone:
        j = _better_place(seen, i)
        if j is not None:
            found |= {i, j}
    return sorted(found), [i for i in alone if i not in found]


def _better_place(seen: NDArray[np.float32], i: int) -> int | None:
    """Return the slice, no neighbour, with which slice i would have to change places for both to fit better."""
    ratios = {}
    for j in range(1, len(seen) - 1):
        if abs(i - j) > 1:
            before, after = ([_misfit(seen, a, b) for a, b in pairs] for pairs in (((i, i), (j, j)), ((i, j), (j, i))))
            if all(new < old for new, old in zip(after, before, strict=True)):
                ratios[j] = sum(after) / sum(before)
    best = min(ratios, key=ratios.__getitem__, default=None)
    return best if best is not None and ratios[best] < _BETTER else None


def _misfit(seen: NDArray[np.float32], place: int, content: int) -> float:
    """Return how much the content of a slice would differ from the neighbours of a place."""
    return float(np.abs(seen[content] - seen[[place - 1, place + 1]]).mean())


def _check_numbers(frames: Sequence[Frame], seen: NDArray[np.float32]) -> list[Notice]:
    """Compare the order of the positions with that of the image numbers, and ask the content where they differ."""
    given = [f.instance_number for f in frames]
    numbers = np.array([n for n in given if n is not None])
    if len(set(numbers.tolist())) < len(frames):
        return []
    order = np.argsort(numbers)
    if order[0] > order[-1]:
        order = order[::-1]
    moved = np.flatnonzero(order != np.arange(len(order)))
    if not len(moved):
        return []
    by_position = float(np.abs(np.diff(seen, axis=0)).mean(axis=(1, 2)).sum())
    by_number = float(np.abs(np.diff(seen[order], axis=0)).mean(axis=(1, 2)).sum())
    labels = [frames[int(i)].label for i in moved]
    if by_number < _NUMBERS_BETTER * by_position:
        return [_refusal(labels, f"the differences between neighbours shrink by {1 - by_number / by_position:.0%}")]
    if by_position < _NUMBERS_BETTER * by_number or len(moved) > _RARE_SHARE * len(frames) + 1:
        return []  # numbers of another kind: by scanner rotation, by block
    text = f"image numbers and positions disagree about the order of the slices: {name_some(labels)}."
    advice = "The positions were used; the content of the slices does not tell which is right."
    return [Finding(Level.WARNING, "CF-D004c", text, advice)]
