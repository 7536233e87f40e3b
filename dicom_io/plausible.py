"""Looks at the values themselves: do they behave like Hounsfield units of one body? (rows 3, 11 to 13, 16, 26)

Headers can be complete, consistent and wrong. These checks use a sample of some 60 x 60 voxels a slice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from dicom_io.checks import Notice
from dicom_io.damage import check_damage
from dicom_io.errors import DicomError
from dicom_io.geometry import Stack
from dicom_io.header import Frame, PixelFormat
from dicom_io.options import ReadOptions
from dicom_io.order import check_order
from dicom_io.pixels import AIR_HU, METAL_HU, SliceReport
from sizing.findings import Finding, Level

_LEAST_STEP_HU = 1.0  # less is rounding
_SURE = 5.0  # standard errors of a step between neighbours whose rescale differs
_HARMLESS_HU = 4.0  # anatomy, beam hardening included, steps by this between true slices
_FEW_VOXELS = 20
_CLIPS_HU = (3071, 4095)  # where 12-bit scanners cut off
_METAL_VOXELS = 8  # a single bright voxel is noise
_RARE_SHARE = 0.1
_LEAST_BODY = 0.005  # of the samples; an arm of 80 mm in a field of 500 mm has four times as much
_LEAST_SOFT = 0.1  # of the body; limbs of real scans show half and more, a bare bone shows less


def check_values(stack: Stack, reports: Sequence[SliceReport], options: ReadOptions) -> Iterator[Notice]:
    """Yield what the values of a stack show, in the order of its frames."""
    samples = np.stack([r.sample for r in reports])
    yield from _rescale(stack.frames, samples)
    yield from check_damage(stack.frames, samples)
    yield from check_order(stack.frames, samples)
    yield from _not_inverted(stack.frames[0], _hounsfield(stack.frames, samples, options), options)
    yield from _counts(reports)
    yield from _metal(stack, reports)


def _signature(pixels: PixelFormat) -> tuple:
    return pixels.slope, pixels.intercept, pixels.signed, pixels.bits_stored


def _rescale(frames: Sequence[Frame], samples: NDArray[np.int16]) -> Iterator[Notice]:
    """A rescale that changes from slice to slice is allowed; one that tears the tissue apart is not (row 11)."""
    signatures = [_signature(f.pixels) for f in frames]
    counts = Counter(signatures)
    if len(counts) == 1:
        return
    for i in range(len(frames) - 1):
        if signatures[i] == signatures[i + 1]:
            continue
        emptied = [k for k in (i, i + 1) if _is_emptied(samples[k])]
        if len(emptied) == 1:
            yield _torn(frames[emptied[0]], "all of it lies below air", "tissue, as beside it")
            return
        as_is, swapped, doubt = _steps(samples[i], samples[i + 1], frames[i + 1].pixels, frames[i].pixels)
        if as_is > max(_SURE * doubt, _HARMLESS_HU) and swapped < as_is / 2:
            rarer = i if counts[signatures[i]] < counts[signatures[i + 1]] else i + 1
            measured = f"a step of {as_is:.0f} HU wherever they act"
            yield _torn(frames[rarer], measured, f"{swapped:.0f} HU with the neighbour's header")
            return
    n_odd = len(frames) - counts.most_common(1)[0][1]
    level = Level.WARNING if n_odd < _RARE_SHARE * len(frames) else Level.INFO
    text = f"rescale or pixel format differ in {n_odd} of {len(frames)} slices and were applied slice by slice."
    yield Finding(level, "CF-D011b", text)


def _is_emptied(sample: NDArray[np.int16]) -> bool:
    """Return True for a slice that became air as a whole, every voxel having been "padding"."""
    return bool((sample == AIR_HU).all())


def _torn(frame: Frame, measured: str, expected: str) -> DicomError:
    return DicomError(
        "CF-D011c",
        "rescale or pixel format contradict the neighbouring slice",
        where=frame.label,
        measured=measured,
        expected=expected,
        advice="The header of this file was changed or damaged; export the series again.",
    )


def _steps(a: NDArray[np.int16], b: NDArray[np.int16], own: PixelFormat, other: PixelFormat) -> tuple[float, ...]:
    """Return the step from a to b as read, as it were with a's header, and its standard error.

    Only voxels where the two readings of b differ are looked at; the median withstands anatomy. Voxels that were
    set to air say nothing: a rescale that is too low by 70 HU makes all air "padding", and so equal to the neighbour's.
    """
    swapped = _reread(b.astype(float), own, other)
    acts = (np.abs(swapped - b) >= _LEAST_STEP_HU / 2) & (a != AIR_HU) & (b != AIR_HU)
    if np.count_nonzero(acts) < _FEW_VOXELS:
        return 0.0, 0.0, np.inf
    change = b[acts] - a[acts].astype(float)
    as_is = float(np.median(change))
    scatter = 1.4826 * float(np.median(np.abs(change - as_is)))
    doubt = max(1.2533 * scatter / np.sqrt(len(change)), _LEAST_STEP_HU / _SURE)
    return abs(as_is), float(abs(np.median(swapped[acts] - a[acts]))), doubt


def _reread(hu: NDArray, own: PixelFormat, other: PixelFormat) -> NDArray:
    """Return what a slice would show if it had another slice's header."""
    slope, intercept = own.slope or 1.0, own.intercept or 0.0
    bits = np.rint((hu - intercept) / slope).astype(np.int64) & ((1 << other.bits_stored) - 1)
    if other.signed:
        bits = bits - ((bits >> (other.bits_stored - 1)) << other.bits_stored)
    return bits * (other.slope or 1.0) + (other.intercept or 0.0)


def _not_inverted(first: Frame, notices: Iterator[Notice], options: ReadOptions) -> Iterator[Notice]:
    """Refuse implausible values of images that are to be shown inverted: they were inverted themselves (row 20)."""
    for notice in notices:
        inverted = first.pixels.photometric == "MONOCHROME1" and not options.allow_uncalibrated
        if isinstance(notice, DicomError) or not inverted:
            yield notice
            continue
        yield DicomError(
            "CF-D020a",
            "the values are no Hounsfield units, and are marked to be shown inverted (MONOCHROME1)",
            where=first.label,
            measured=notice.message.rstrip("."),
            expected="air at -1000 HU",
            advice="The export turned bright and dark round; export the original series.",
        )


def _hounsfield(frames: Sequence[Frame], samples: NDArray[np.int16], options: ReadOptions) -> Iterator[Notice]:
    """Compare the histogram with what a limb in air must show (row 11)."""
    low = samples.astype(np.int32).ravel()
    share = {
        "air": np.mean(low < -300),
        "water": np.mean(np.abs(low) <= 100),
        "shifted": np.mean(np.abs(low - 1050) <= 200),
        "between": np.mean((low >= 200) & (low <= 800)),
    }
    if share["air"] < 1e-3 and share["water"] > 0.05 and share["shifted"] > 0.1 and share["between"] < 0.15:
        text = f"{share['water']:.0%} of the voxels near 0, {share['shifted']:.0%} near 1050, none below -300 HU"
        advice = "RescaleIntercept (-1024 as a rule) was lost; export again, or pass --allow-uncalibrated."
        if not options.allow_uncalibrated:
            yield DicomError(
                "CF-D011e", "the values are shifted by about 1000", where=frames[0].label, measured=text, advice=advice
            )
        return
    advice = "Do not trust densities; check that the series holds Hounsfield units."
    air = low[low < -300]
    if len(air) > 0.005 * len(low):
        peak = _peak(air)
        if not -1100 <= peak <= -900:
            yield Finding(Level.WARNING, "CF-D011d", f"air measures {peak} HU instead of about -1000.", advice)
            return
        body = low[low >= -300]
        if len(body) < _LEAST_BODY * len(low):
            yield Finding(Level.WARNING, "CF-D011d", "nothing but air is to be seen.", advice)
            return
        soft = np.mean(np.abs(body - 50) <= 200)
        if soft < _LEAST_SOFT:
            text = f"only {soft:.0%} of what is not air lies between -150 and 250 HU, where fat and muscle are."
            yield Finding(Level.WARNING, "CF-D011d", text, advice)
        return
    if np.mean((low >= -200) & (low <= 300)) < 0.01:
        text = f"neither air nor soft tissue is to be seen; the median is {int(np.median(low))} HU."
        yield Finding(Level.WARNING, "CF-D011d", text, advice)


def _peak(values: NDArray) -> int:
    start = int(values.min())
    return start + int(np.argmax(np.bincount(values - start)))


def _counts(reports: Sequence[SliceReport]) -> Iterator[Finding]:
    padding = sum(r.n_padding for r in reports)
    if padding:
        text = f"{padding} voxels outside the reconstruction (padding, or below -1024 HU) were set to -1000 HU."
        yield Finding(Level.INFO, "CF-D012", text)
    if odd := sum(r.tissue_padding for r in reports):
        text = (
            f"the header's padding value lies among tissue values in {odd} slices; it was honoured at image edges only."
        )
        yield Finding(Level.WARNING, "CF-D012a", text)
    if dirty := sum(r.dirty_bits for r in reports):
        text = f"bits above Bits Stored were set in {dirty} slices and were cut off."
        advice = "They are old overlays, or Bits Stored is wrong: check that cortex and metal are bright throughout."
        yield Finding(Level.WARNING, "CF-D013b", text, advice)


def _metal(stack: Stack, reports: Sequence[SliceReport]) -> Iterator[Finding]:
    """Say where metal is (row 26)."""
    n = sum(r.n_metal for r in reports)
    if n < _METAL_VOXELS:
        return
    weights = [r.n_metal for r in reports if r.metal_centre]
    index = [(at, *r.metal_centre) for at, r in zip(stack.place, reports, strict=True) if r.metal_centre]
    centre = stack.geometry.index_to_lps(np.average(index, axis=0, weights=weights))
    clip = max(r.high_hu for r in reports)
    cut = ", where the scanner cuts off" if clip in _CLIPS_HU else ""
    place = ", ".join(f"{c:.0f}" for c in centre)
    text = f"metal is likely: {n} voxels exceed {METAL_HU} HU (highest {clip}{cut}), around ({place}) mm LPS."
    yield Finding(Level.WARNING, "CF-D026", text, "Walls measured near metal are not to be trusted.")
