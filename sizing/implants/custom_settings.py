"""What may be chosen for a custom stem: every field with its unit, its default, and the reason for the default."""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, dataclass, field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from sizing.errors import UsageError
from sizing.implants.solid import ScrewHole

SECTIONS = ("best", "circle", "ellipse", "superellipse", "free")
PROFILES = ("cylinder", "taper", "following")
TIPS = ("bullet", "chamfer", "flat")
PREPARATIONS = ("as-planned", "unreamed")
AXES = ("best", "stock", "middle", "bowed")
# No stem is asked for that is shorter than this; as for implants of one's own.
SHORTEST_STEM_MM = 30.0
# A femur bows on 700 to 1300 mm; an arc much tighter than any of them is no stem that follows a bone.
SMALLEST_BOW_RADIUS_MM = 300.0


def _choice(default: Any, unit: str, reason: str) -> Any:
    return field(default=default, metadata={"unit": unit, "reason": reason})


@dataclass(frozen=True, slots=True)
class CoatedZone:
    """A stretch of the stem with its coating and the fit that is meant there (diametral; negative = gap)."""

    name: str
    from_station_mm: float
    to_station_mm: float
    diametral_interference_mm: float = 0.0
    coating_thickness_mm: float = 0.0


@dataclass(frozen=True)
class CustomSettings:
    """All choices for one custom stem. Stations count from the facing plane towards the tip.

    Raises
    ------
    UsageError
        If two choices contradict each other; names both fields.
    """

    section: str = _choice("best", "", "circle, ellipse and free form are tried; what touches most bone is kept")
    superellipse_exponent: float = _choice(2.5, "", "2 is an ellipse; tibial canals are squarer")
    profile: str = _choice("following", "", "fills the canal at every level as far as the stem still goes in")
    axis: str = _choice("best", "", "the stock stem's axis, the canal's middle and its own bow are tried")
    bow_radius_mm: float | None = _choice(None, "mm", "none given: the canal's own bow over the stem's length")
    length_mm: float | None = _choice(None, "mm", "none given: the length of the chosen stock stem")
    longest_length_mm: float = _choice(200.0, "mm", "longest press-fit stem in a published registry")
    preparation: str = _choice(
        "as-planned", "", "the reamers of the plan; 'unreamed' where the wall is too thin to ream"
    )
    last_reamer_mm: float | None = _choice(None, "mm", "none given: the last reamer of the plan")
    broach_per_side_mm: float = _choice(
        2.0, "mm", "most that a broach of the stem's own shape cuts per side; half is tried first for the best; 0: none"
    )
    largest_cut_per_side_mm: float | None = _choice(
        None, "mm", "most that reamers and broach together take off the cortex; none given: the wall limits alone"
    )
    min_wall_mm: float = _choice(2.0, "mm", "policy, as in the plan; no published limit for press-fit stems")
    keep_stock_wall: bool = _choice(
        True,
        "",
        "a custom stem must not leave less wall than the stock stem it replaces, where that is above min_wall_mm",
    )
    flare_length_mm: float = _choice(
        0.0, "mm", "only for cylinder and taper: stretch at the entry that widens with the canal"
    )
    knot_step_mm: float = _choice(10.0, "mm", "rows of the section table; closer rows follow noise, not bone")
    tip_form: str = _choice("bullet", "", "no edge that cuts or wedges at the tip")
    tip_length_mm: float = _choice(8.0, "mm", "about one radius: a hemisphere-like end")
    collar_over_stem_mm: float = _choice(2.0, "mm", "radial width of the seat on the facing plane")
    collar_thickness_mm: float = _choice(3.0, "mm", "judgement; the maker decides")
    spline_count: int = _choice(0, "", "none: splines need a maker's word")
    spline_height_mm: float = _choice(0.5, "mm", "one reamer step per diameter")
    spline_from_mm: float = _choice(20.0, "mm", "beyond the collar zone")
    spline_to_mm: float | None = _choice(None, "mm", "none given: up to the tip's beginning")
    spline_run_out_mm: float = _choice(5.0, "mm", "ribs fade in and out over this length")
    smallest_radius_mm: float = _choice(4.0, "mm", "thinner stems broke more often; judgement, not a published limit")
    smallest_curvature_radius_mm: float = _choice(2.0, "mm", "a usual cutter; the maker decides")
    smallest_thickness_mm: float = _choice(
        1.0, "mm", "thinnest metal, beside a screw hole and in the collar; judgement"
    )
    isthmus_clearance_mm: float = _choice(0.0, "mm", "room each side within 10 mm of the canal's narrowest level")
    least_clearance_mm: float = _choice(0.0, "mm", "extra room to the hole where no interference is meant")
    adapter: str = _choice("", "", "name of the taper or adapter end; geometry is the maker's")
    zones: tuple[CoatedZone, ...] = ()
    holes: tuple[ScrewHole, ...] = ()

    def __post_init__(self) -> None:
        for name, known in (
            ("section", SECTIONS),
            ("profile", PROFILES),
            ("tip_form", TIPS),
            ("preparation", PREPARATIONS),
            ("axis", AXES),
        ):
            if getattr(self, name) not in known:
                raise UsageError(f"{name} = {getattr(self, name)!r} is not known; choose one of {', '.join(known)}")
        for name in ("smallest_radius_mm", "knot_step_mm", "longest_length_mm", "collar_thickness_mm"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} = {getattr(self, name)} must be above 0")
        for name in (
            "broach_per_side_mm", "min_wall_mm", "flare_length_mm", "tip_length_mm", "collar_over_stem_mm",
            "least_clearance_mm", "isthmus_clearance_mm", "smallest_thickness_mm", "largest_cut_per_side_mm",
        ):  # fmt: skip
            if getattr(self, name) is not None and not getattr(self, name) >= 0:
                raise UsageError(f"{name} = {getattr(self, name)} must not be negative")
        self._contradictions()
        self._bad_zones()

    def _contradictions(self) -> None:
        if self.bow_radius_mm is not None and self.axis not in ("best", "bowed"):
            raise UsageError(f"axis = {self.axis!r} is straight or given, so bow_radius_mm must be left out")
        if self.bow_radius_mm is not None and not self.bow_radius_mm >= SMALLEST_BOW_RADIUS_MM:
            raise UsageError(
                f"bow_radius_mm = {self.bow_radius_mm:g} must be at least {SMALLEST_BOW_RADIUS_MM:g}; a femur bows on "
                "700 to 1300"
            )
        if self.collar_thickness_mm < self.smallest_thickness_mm:
            raise UsageError(
                f"collar_thickness_mm = {self.collar_thickness_mm:g} is below smallest_thickness_mm = "
                f"{self.smallest_thickness_mm:g}"
            )
        if self.preparation == "unreamed" and self.last_reamer_mm is not None:
            raise UsageError("preparation = 'unreamed' and last_reamer_mm contradict each other: leave one out")
        if self.section == "superellipse" and not 1.5 <= self.superellipse_exponent <= 6:
            raise UsageError(f"superellipse_exponent = {self.superellipse_exponent} must lie between 1.5 and 6")
        if self.length_mm is not None:
            if self.length_mm > self.longest_length_mm:
                raise UsageError(
                    f"length_mm = {self.length_mm:g} is longer than longest_length_mm = {self.longest_length_mm:g}"
                )
            if self.tip_length_mm + self.flare_length_mm >= self.length_mm:
                raise UsageError("tip_length_mm and flare_length_mm together are not shorter than length_mm")

    def _bad_zones(self) -> None:
        ordered = sorted(self.zones, key=lambda z: z.from_station_mm)
        for zone in ordered:
            if not 0 <= zone.from_station_mm < zone.to_station_mm:
                raise UsageError(f"zone {zone.name!r}: from_station_mm must be below to_station_mm, and not negative")
        for one, two in pairwise(ordered):
            if one.to_station_mm > two.from_station_mm:
                raise UsageError(f"zones {one.name!r} and {two.name!r} overlap")


def load_custom_settings(path: Path) -> CustomSettings:
    """Read custom settings from a TOML file; a key that is not known is refused with its name.

    Raises
    ------
    UsageError
        Names the file and the field.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path.name} cannot be read as TOML: {error}") from error
    try:
        for name, kind in (("zones", CoatedZone), ("holes", ScrewHole)):
            if name in values:
                values[name] = tuple(_rows(kind, values[name], name))
        return CustomSettings(**_checked(CustomSettings, values, ""))
    except UsageError as error:
        raise UsageError(f"{path.name}: {error}") from error


def _rows(kind: type, rows: Any, name: str) -> list[Any]:
    if not isinstance(rows, list):
        raise UsageError(f"{name} must be written as [[{name}]] tables")
    made = []
    for number, row in enumerate(rows, 1):
        try:
            made.append(kind(**_checked(kind, row, f"{name} row {number}: ")))
        except TypeError as error:
            raise UsageError(f"{name} row {number}: {str(error).split('() ')[-1]}") from error
    return made


def _checked(kind: type, values: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the values with whole numbers as floats where a length is meant; refuse unknown keys and wrong types."""
    known = {f.name: f for f in fields(kind)}
    out = {}
    for name, value in values.items():
        if name not in known:
            raise UsageError(f"{where}{name} is not a setting; known are {', '.join(known)}")
        wanted = str(known[name].type)
        if isinstance(value, int) and not isinstance(value, bool) and "float" in wanted:
            value = float(value)
        good = (isinstance(value, bool) and wanted == "bool") or (
            (isinstance(value, float) and "float" in wanted) or (isinstance(value, str) and wanted == "str")
            or (isinstance(value, int) and not isinstance(value, bool) and wanted == "int") or isinstance(value, tuple)
        )  # fmt: skip
        if not good:
            raise UsageError(f"{where}{name} = {value!r} must be {wanted.replace(' | None', '')}")
        out[name] = value
    return out


def settings_template() -> str:
    """Return a commented TOML file that holds every setting with its default, unit and reason."""
    lines = ["# canalfit custom stem. Every line is a default; change what you mean to change."]
    for f in fields(CustomSettings):
        if not f.metadata:
            continue
        default = f.default if f.default is not MISSING else None
        unit = f" [{f.metadata['unit']}]" if f.metadata["unit"] else ""
        text = "" if default is None else (f'"{default}"' if isinstance(default, str) else str(default).lower())
        lines.append(f"{'# ' if default is None else ''}{f.name} = {text}  #{unit} {f.metadata['reason']}")
    lines += ["", "# [[zones]]", '# name = "coated"', "# from_station_mm = 0", "# to_station_mm = 100",
              "# diametral_interference_mm = 0.1", "# coating_thickness_mm = 0.5", "",
              "# [[holes]]", "# station_mm = 90", "# direction_deg = 90", "# diameter_mm = 4.0", ""]  # fmt: skip
    return "\n".join(lines)
