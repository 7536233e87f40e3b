"""Implants as data: shape, preparation rule, and where each number comes from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from sizing.errors import CatalogueError
from sizing.geometry import FloatArray, frozen_array, numbers_in
from sizing.implants.shape import StemShape
from sizing.strict import is_number


class Fixation(StrEnum):
    """How an implant holds."""

    PRESS_FIT = "press-fit"
    THREADED = "threaded"


class Preparation(StrEnum):
    """How the hole is made for an implant."""

    LINE_TO_LINE = "line-to-line"  # last reamer = stem diameter
    UNDER_REAM = "under-ream"  # last reamer = stem diameter - diametral_under_ream_mm
    DRILL_TAP = "drill-tap"  # drill the core, tap the crest
    BROACH = "broach"  # ream, then a broach of the stem's own shape


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a row of the catalogue comes from. Certainty as in the clinical reference: A, B, C or X."""

    source: str
    certainty: str
    retrieved: str
    note: str = ""

    def __post_init__(self) -> None:
        if self.certainty not in ("A", "B", "C", "X", "generic", "custom"):
            raise CatalogueError("CF-I001", "unknown certainty", measured=repr(self.certainty),
                                 expected="A, B, C, X, generic or custom")  # fmt: skip


_MAY_BE_NONE = (
    "bow_radius_mm", "collar_diameter_mm", "core_diameter_mm", "thread_pitch_mm", "drill_diameter_mm",
)  # fmt: skip
_NUMBERS = (
    "diameter_mm", "length_mm", "diametral_under_ream_mm", "coating_thickness_mm", "collar_thickness_mm",
    *_MAY_BE_NONE,
)  # fmt: skip


@dataclass(frozen=True)
class ImplantTemplate:
    """One implant of one size.

    Implant frame: origin on the axis at the collar's seat (the facing plane), z along the stem
    towards the tip; a bowed stem curves towards +x with its tangent at the origin along z.

    Attributes
    ----------
    family_id, part_number : str
    fixation : Fixation
    diameter_mm : float
        Nominal outer diameter (threaded: crest).
    length_mm : float
        From the collar's seat to the tip.
    profile_mm : (k, 2) array
        Station along the axis and radius there, first station 0, last station = length; coating included.
    bow_radius_mm : float or None
    collar_diameter_mm : float or None
    core_diameter_mm, thread_pitch_mm, drill_diameter_mm : float or None
        Only threaded implants: diameter between the threads, pitch, and the drill before the tap.
    preparation : Preparation
    diametral_under_ream_mm : float
        Stem diameter minus last reamer; 0 for line-to-line.
    reamer_kind : str
        Tool that prepares the hole: "rigid", "flexible", "curved" or "drill".
    collar_thickness_mm : float
    shape : StemShape or None
        Section table of a stem that is not round; ``profile_mm`` then holds its largest radius per station.
    broach_gap_mm : (k, 2) array or None
        Only stems with a broach of their own shape: station, and radial gap that the broach leaves round the stem
        there; negative = the stem is larger than its hole. None: the broach cuts the stem's exact shape.
    """

    family_id: str
    part_number: str
    fixation: Fixation
    diameter_mm: float
    length_mm: float
    profile_mm: FloatArray
    preparation: Preparation
    provenance: Provenance
    diametral_under_ream_mm: float = 0.0
    reamer_kind: str = "rigid"
    bow_radius_mm: float | None = None
    collar_diameter_mm: float | None = None
    core_diameter_mm: float | None = None
    thread_pitch_mm: float | None = None
    drill_diameter_mm: float | None = None
    coating_thickness_mm: float = 0.0
    bones: tuple[str, ...] = ("femur", "tibia", "humerus")
    collar_thickness_mm: float = 3.0
    shape: StemShape | None = None
    broach_gap_mm: FloatArray | None = None

    def __post_init__(self) -> None:
        self._check_numbers()
        self._check_broach()
        profile = frozen_array(numbers_in(self.profile_mm))
        object.__setattr__(self, "profile_mm", profile)
        ok = (
            profile.ndim == 2 and profile.shape[1] == 2 and len(profile) >= 2 and np.all(np.isfinite(profile))
            and np.all(np.diff(profile[:, 0]) >= 0) and profile[0, 0] == 0 and np.all(profile[:, 1] >= 0)
        )  # fmt: skip
        if not (self.diameter_mm > 0 and self.length_mm > 0):
            raise CatalogueError("CF-I003", "diameter and length must be positive", where=self.part_number,
                                 measured=f"{self.diameter_mm:g} x {self.length_mm:g} mm")  # fmt: skip
        if self.fixation is Fixation.THREADED:
            core, drill = self.core_diameter_mm or 0.0, self.drill_diameter_mm or 0.0
            if not 0 < core <= drill < self.diameter_mm:
                raise CatalogueError("CF-I004", "core, drill and crest of the thread do not follow each other",
                                     where=self.part_number, expected="0 < core <= drill < crest",
                                     measured=f"{core:g}, {drill:g}, {self.diameter_mm:g} mm")  # fmt: skip
        if not 0 <= self.diametral_under_ream_mm < self.diameter_mm:
            raise CatalogueError("CF-I005", "the under-ream is not possible", where=self.part_number,
                                 measured=f"{self.diametral_under_ream_mm:g} mm")  # fmt: skip
        if self.bow_radius_mm is not None and self.bow_radius_mm <= self.length_mm:
            raise CatalogueError("CF-I006", "the bow radius is not larger than the stem is long",
                                 where=self.part_number, measured=f"{self.bow_radius_mm:g} mm")  # fmt: skip
        if not ok or abs(profile[-1, 0] - self.length_mm) > 1e-9:
            raise CatalogueError("CF-I002", "the stem's profile is not usable", where=self.part_number,
                                 expected="stations from 0 to the length, radii >= 0")  # fmt: skip

    def _check_numbers(self) -> None:
        for name in _NUMBERS:
            value = getattr(self, name)
            if not (is_number(value) or (value is None and name in _MAY_BE_NONE)):
                raise CatalogueError("CF-I003", f"{name} must be a finite number", where=str(self.part_number),
                                     measured=repr(value))  # fmt: skip

    def _check_broach(self) -> None:
        if self.broach_gap_mm is None:
            return
        gap = frozen_array(self.broach_gap_mm)
        object.__setattr__(self, "broach_gap_mm", gap)
        usable = gap.ndim == 2 and gap.shape[1] == 2 and len(gap) > 0 and np.isfinite(gap).all()
        if self.preparation is not Preparation.BROACH or not usable or np.any(np.diff(gap[:, 0]) < 0):
            raise CatalogueError("CF-I002", "the gap that the broach leaves is not usable", where=self.part_number,
                                 expected="a broach, and growing stations with finite gaps")  # fmt: skip

    def broach_gap_at(self, station_mm: FloatArray) -> FloatArray:
        """Return the radial gap (...,) that the broach leaves at stations; 0 where none is stated."""
        s = np.asarray(station_mm, np.float64)
        return np.zeros(s.shape) if self.broach_gap_mm is None else np.interp(s, *self.broach_gap_mm.T)

    def radius_at(self, station_mm: FloatArray | float) -> FloatArray:
        """Return the radius (...,) at stations from the collar's seat; NaN beyond the stem."""
        s = np.asarray(station_mm, np.float64)
        r = np.interp(s, self.profile_mm[:, 0], self.profile_mm[:, 1])
        return np.where((s < 0) | (s > self.length_mm), np.nan, r)

    @property
    def stem_shape(self) -> StemShape:
        """The section table, also of round stems."""
        if self.shape is not None:
            return self.shape
        station, radius = self.profile_mm.T.copy()
        # A step in the profile is two radii at one station: the one before the step moves back by a nanometre.
        station[:-1] -= np.where(np.diff(station) == 0, 1e-6, 0.0)
        return StemShape.round(station, radius, self.bow_radius_mm)

    @property
    def last_reamer_mm(self) -> float:
        """Diameter of the last reamer or drill; a tap may follow."""
        if self.drill_diameter_mm is not None:
            return self.drill_diameter_mm
        return self.diameter_mm - self.diametral_under_ream_mm


@dataclass(frozen=True)
class Catalogue:
    """All implants that may be chosen, with a hash over what was read."""

    implants: tuple[ImplantTemplate, ...]
    version: str
    sha256: str
    sources: tuple[str, ...] = ()
