"""The facts of a series that are shown to a person: which, in what order, under what name and with how many digits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Fact(NamedTuple):
    """One line of the truth card; ``key`` is that of the JSON, unit included."""

    key: str
    name: str
    unit: str
    digits: int


FACTS = (
    Fact("slice_step_mm", "slice step", "mm", 2),
    Fact("slice_thickness_mm", "slice thickness", "mm", 2),
    Fact("row_spacing_mm", "between rows", "mm", 3),
    Fact("column_spacing_mm", "between columns", "mm", 3),
    Fact("images", "images", "", 0),
    Fact("rows", "rows", "", 0),
    Fact("columns", "columns", "", 0),
    Fact("length_mm", "covered length", "mm", 0),
    Fact("blur_mm", "blur (full width)", "mm", 1),
    Fact("noise_hu", "noise in muscle", "HU", 0),
    Fact("diameter_doubt_mm", "doubt of a diameter", "mm", 1),
    Fact("air_hu", "air", "HU", 0),
    Fact("fat_hu", "fat", "HU", 0),
    Fact("muscle_hu", "muscle", "HU", 0),
    Fact("cortex_hu", "cortex", "HU", 0),
    Fact("kernel", "kernel", "", 0),
    Fact("kvp", "tube voltage", "kV", 0),
    Fact("bone", "bone", "", 0),
    Fact("side", "side", "", 0),
    Fact("body_cut_slices", "slices with body cut", "", 0),
    Fact("bone_cut_slices", "slices with bone cut", "", 0),
    Fact("patient_position", "patient position", "", 0),
    Fact("model", "scanner", "", 0),
    Fact("pseudonym", "case", "", 0),
)


def facts_in_words(values: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return name and value of each fact that is there, as shown."""
    return tuple((f.name, words(values[f.key], f.unit, f.digits)) for f in FACTS if f.key in values)


def words(value: Any, unit: str, digits: int) -> str:
    """Return a value with its unit; what is not known is said to be so."""
    if value is None:
        return "cannot tell" if unit else "?"
    text = f"{value:.{digits}f}" if isinstance(value, float) else str(value)
    return f"{text} {unit}".rstrip()
