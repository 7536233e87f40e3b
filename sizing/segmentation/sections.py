"""Every solid section of everything bright in a scan, as a table: the map on which shafts are looked for.

A *section* is one connected patch of bone in one slice, with the holes that it encloses (the medullary canal) filled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sizing import _runs

IntArray = NDArray[np.int32]

# Room for runs per row of the volume at the first try; a scan with more (noise, metal streaks) is read once more.
_FIRST_RUNS_PER_ROW = 1


@dataclass(frozen=True)
class SectionMap:
    """Solid sections of a volume at one threshold.

    Attributes
    ----------
    shape : tuple of int
        Of the volume (slice, row, column).
    threshold_hu : int
    first : (slices * rows + 1,) int32 array
        Runs of row i are ``first[i]`` to ``first[i + 1] - 1``.
    start, stop : (n_runs,) int32 array
        Columns of each run, one past the end for ``stop``.
    section_of_run : (n_runs,) int32 array
    slice_index : (n_sections,) array
        Grows with the number of the section.
    area, bone_area : (n_sections,) array
        Voxels of the filled section, and of these at or above the threshold.
    bone_hu, hole_hu : (n_sections,) array
        Mean HU of both parts; NaN for the hole of a section that has none.
    centre, spread : (n_sections, 2) and (n_sections, 2, 2) array
        Mean and covariance of (row, column), voxels.
    box : (n_sections, 4) array
        First row, last row, first column, last column.
    links : (n_links, 3) array
        Section, section in the next slice, voxels that lie one above the other.
    """

    shape: tuple[int, int, int]
    threshold_hu: int
    first: IntArray
    start: IntArray
    stop: IntArray
    section_of_run: IntArray
    slice_index: IntArray
    area: NDArray[np.float64]
    bone_area: NDArray[np.float64]
    bone_hu: NDArray[np.float64]
    hole_hu: NDArray[np.float64]
    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    box: IntArray
    links: IntArray

    @property
    def touches_border(self) -> NDArray[np.bool_]:
        """Sections that reach the first or last row or column of the image."""
        _, n_rows, n_columns = self.shape
        row0, row1, column0, column1 = self.box.T
        return (row0 == 0) | (column0 == 0) | (row1 == n_rows - 1) | (column1 == n_columns - 1)

    def paint(self, wanted: NDArray[np.bool_], start: tuple[int, int, int], stop: tuple[int, int, int]) -> NDArray:
        """Return the wanted sections (n_sections,) as a bool mask of the crop start..stop."""
        mask = np.zeros([high - low for low, high in zip(start, stop, strict=True)], np.uint8)
        runs = wanted[self.section_of_run].view(np.uint8)
        _runs.paint_runs(self.first, self.start, self.stop, runs, self.shape[1], *start, mask)
        return mask.view(np.bool_)


def _find_runs(hu: NDArray[np.int16], threshold_hu: int) -> tuple[IntArray, IntArray, IntArray]:
    n_rows = hu.shape[0] * hu.shape[1]
    first = np.empty(n_rows + 1, np.int32)
    room = _FIRST_RUNS_PER_ROW * n_rows + hu.shape[2]
    while True:
        start, stop = np.empty(room, np.int32), np.empty(room, np.int32)
        count = _runs.find_runs(hu, threshold_hu, first, start, stop)
        if count <= room:
            return first, start[:count].copy(), stop[:count].copy()
        room = count


def _fill_holes(hu: NDArray[np.int16], first: IntArray, start: IntArray, stop: IntArray) -> tuple[NDArray, ...]:
    n = len(start)
    open_ = np.empty(n, np.uint8)
    _runs.close_gaps(first, start, stop, hu.shape[1], np.empty(n, np.int32), open_)
    solid_first, solid_start, solid_stop = np.empty_like(first), np.empty_like(start), np.empty_like(stop)
    bone_count, bone_hu, hole_hu = np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n, np.int64)
    count = _runs.merge_runs(
        first, start, stop, open_, hu, solid_first, solid_start, solid_stop, bone_count, bone_hu, hole_hu
    )
    kept = (a[:count].copy() for a in (solid_start, solid_stop, bone_count, bone_hu, hole_hu))
    return solid_first, *kept


def _find_links(first: IntArray, start: IntArray, stop: IntArray, section: IntArray, n_rows: int) -> IntArray:
    room = 2 * len(start) + 1
    while True:
        lower, upper, shared = (np.empty(room, np.int32) for _ in range(3))
        count = _runs.link_sections(first, start, stop, section, n_rows, lower, upper, shared)
        if count <= room:
            break
        room = count
    n_sections = int(section.max(initial=-1)) + 1
    pair = lower[:count].astype(np.int64) * n_sections + upper[:count]
    pairs, place = np.unique(pair, return_inverse=True)
    overlap = np.bincount(place, shared[:count], len(pairs)).astype(np.int64)
    return np.column_stack([pairs // max(n_sections, 1), pairs % max(n_sections, 1), overlap]).astype(np.int32)


def map_sections(hu: NDArray[np.int16], threshold_hu: int) -> SectionMap:
    """Find all solid sections at or above a threshold in a volume (slice, row, column).

    Reads the volume once; what it keeps grows with the number of bone runs, not of voxels.
    """
    n_rows = hu.shape[1]
    first, start, stop, bone_count, bone_hu, hole_hu = _fill_holes(hu, *_find_runs(hu, threshold_hu))
    parent = np.empty(len(start), np.int32)
    _runs.label_sections(first, start, stop, n_rows, parent)
    roots, inverse = np.unique(parent, return_inverse=True)
    section: IntArray = inverse.astype(np.int32)
    n = len(roots)
    line = np.repeat(np.arange(len(first) - 1, dtype=np.int32), np.diff(first))
    slice_index, row = line // n_rows, (line % n_rows).astype(np.float64)

    def total(weights: NDArray) -> NDArray[np.float64]:
        return np.bincount(section, weights, n).astype(np.float64)

    length = (stop - start).astype(np.float64)
    middle = (start + stop - 1) / 2.0
    area, bone_area = total(length), total(bone_count)
    row_mean, column_mean = total(length * row) / area, total(length * middle) / area
    dr, dc = row - row_mean[section], middle - column_mean[section]
    rr, rc = total(length * dr * dr), total(length * dr * dc)
    cc = total(length * (dc * dc + (length * length - 1) / 12))
    box = np.full((n, 4), -1, np.int32)
    for column, values, better in ((0, row, np.minimum), (2, start, np.minimum), (1, row, np.maximum)):
        box[:, column] = np.iinfo(np.int32).max if better is np.minimum else -1
        better.at(box[:, column], section, values.astype(np.int32))
    np.maximum.at(box[:, 3], section, stop - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        hole_mean = total(hole_hu) / (area - bone_area)
    return SectionMap(
        shape=hu.shape,  # type: ignore[arg-type]
        threshold_hu=int(threshold_hu),
        first=first,
        start=start,
        stop=stop,
        section_of_run=section,
        slice_index=slice_index[roots],
        area=area,
        bone_area=bone_area,
        bone_hu=total(bone_hu) / bone_area,
        hole_hu=hole_mean,
        centre=np.column_stack([row_mean, column_mean]),
        spread=(np.stack([rr, rc, rc, cc], -1) / area[:, None]).reshape(-1, 2, 2),
        box=box,
        links=_find_links(first, start, stop, section, n_rows),
    )
