"""Stems of many diameters on one axis, level by level: areas, contact, interference, wall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sizing.fit.tooling import Tooling
from sizing.fit.view import AxisView
from sizing.geometry import FloatArray
from sizing.implants.model import Fixation, ImplantTemplate


@dataclass(frozen=True)
class StemLevels:
    """What q stems do at m levels of one view. All arrays (q, m); NaN beyond the stem or not measured.

    Attributes
    ----------
    stem_mm2 : area of the stem's section inside the native canal
    fill : that area over the canal's area
    gap_mm2 : hole (canal or bore) outside the stem
    removed_mm2 : bone inside the bore
    contact : share of the circumference on or in bone
    overlap_mm : mean radial overlap of stem and hole where they overlap
    overlap_rad : angle over which they overlap
    wall_cut_mm : least wall left where a tool (or a thread's crest) cuts; inf = it cuts nowhere
    wall_native_mm : least native wall elsewhere
    """

    stem_mm2: FloatArray
    fill: FloatArray
    gap_mm2: FloatArray
    removed_mm2: FloatArray
    contact: FloatArray
    overlap_mm: FloatArray
    overlap_rad: FloatArray
    wall_cut_mm: FloatArray
    wall_native_mm: FloatArray

    @property
    def wall_mm(self) -> FloatArray:
        """Least wall left (q, m), cut or native."""
        return np.minimum(self.wall_cut_mm, self.wall_native_mm)


def stem_levels(
    view: AxisView, implants: Sequence[ImplantTemplate], tools: Sequence[Tooling], bore_depth_mm: float,
    contact_tolerance_mm: float,
) -> StemLevels:  # fmt: skip
    """Measure stems that share one axis.

    Parameters
    ----------
    view : AxisView
        The canal along their axis.
    implants : sequence of ImplantTemplate
        q stems.
    tools : sequence of Tooling
        q sets of tools, one per stem.
    bore_depth_mm : float
        Travel to which the tools go.
    contact_tolerance_mm : float
        A gap up to this counts as contact.
    """
    travel = view.travel_mm
    stem = np.stack([i.radius_at(travel) for i in implants])
    # The level at the cut may lie a rounding error below the seat; it belongs to the stem.
    first = np.array([[i.profile_mm[0, 1]] for i in implants])
    near_seat = (travel < 0) & (travel > -1.0)
    stem[:, near_seat] = first
    bore_radius = np.array([t.bore_diameter_mm / 2 for t in tools])[:, None]
    # A level stands for half a step to either side: the one just past the tools' end carries their last stretch.
    half_step = 0.5 * float(np.max(np.diff(travel), initial=0.0))
    drilled = (travel[None] > -1.0) & (travel[None] < bore_depth_mm + half_step)
    bore = np.where(drilled, bore_radius, np.nan)
    canal = view.canal_mm2

    stem_mm2, overlap_rad, stem_reach = view.discs(stem)
    _, touching_rad, _ = view.discs(stem + contact_tolerance_mm)
    bore_mm2, bore_rad, bore_reach = (np.where(drilled, a, 0.0) for a in view.discs(bore))
    bore_disc = np.where(drilled, np.pi * bore_radius**2, 0.0)
    removed = np.where(np.isfinite(canal), np.maximum(bore_disc - bore_mm2, 0.0), np.nan)  # never less than none
    hole = canal + removed
    inside = np.where(np.isnan(bore) | (stem >= bore), stem_mm2 + removed, np.pi * stem**2)
    stem_mm2 = np.where(np.isfinite(canal), stem_mm2, np.nan)

    reached = np.isnan(bore) | (bore <= stem + contact_tolerance_mm)
    contact = np.where(reached, touching_rad, 0.0) / (2 * np.pi)
    deep = overlap_rad * stem - (stem_reach - bore_reach) - bore_rad * np.nan_to_num(bore)
    overlaps = (overlap_rad > 0) & (np.isnan(bore) | (stem >= bore))
    overlap = np.divide(deep, overlap_rad, out=np.zeros_like(deep), where=overlaps)
    threaded = np.array([i.fixation is Fixation.THREADED for i in implants])[:, None]
    cut, native = view.walls(np.where(threaded & np.isfinite(stem), np.fmax(stem, bore), bore))
    return StemLevels(
        stem_mm2=stem_mm2,
        fill=stem_mm2 / canal,
        gap_mm2=hole - inside,
        removed_mm2=removed,
        contact=np.where(np.isnan(stem), np.nan, contact),
        overlap_mm=np.where(np.isnan(stem), np.nan, overlap),
        overlap_rad=overlap_rad,
        wall_cut_mm=cut,
        wall_native_mm=native,
    )
