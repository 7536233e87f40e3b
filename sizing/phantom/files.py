"""Phantom specs from TOML or JSON files, and the truth as JSON."""

from __future__ import annotations

import json
import math
import types
from dataclasses import asdict, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from sizing.errors import InputError
from sizing.phantom.spec import PhantomSpec
from sizing.phantom.truth import PhantomTruth

TRUTH_SCHEMA = "canalfit-phantom-truth/1"
# Digits behind the point of lengths in the truth's file: 1e-6 mm is below every claim.
DECIMALS = 6


def load_spec(path: str | Path) -> PhantomSpec:
    """Read a spec from a ``.toml`` or ``.json`` file; what is left out keeps its default.

    Raises
    ------
    InputError
        CF-P010 unreadable, CF-P011 unknown or ill-typed entry, CF-P001 values that make no phantom.
    """
    import tomllib

    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise InputError("CF-P010", f"the phantom's spec cannot be read: {error}", where=str(path)) from error
    return spec_from_dict(data)


def spec_from_dict(data: dict[str, Any]) -> PhantomSpec:
    """Build a spec from nested plain data, strictly: an unknown name is refused, not ignored."""
    return _build(PhantomSpec, data, "")


def _build(kind: Any, data: Any, where: str) -> Any:
    if is_dataclass(kind):
        if not isinstance(data, dict):
            raise _wrong(where, data, "a table")
        hints = get_type_hints(kind)
        unknown = sorted(set(data) - set(hints))
        if unknown:
            raise _wrong(f"{where}.{unknown[0]}".lstrip("."), "an unknown name", ", ".join(sorted(hints)))
        values = {name: _build(hints[name], value, f"{where}.{name}".lstrip(".")) for name, value in data.items()}
        missing = [f.name for f in fields(kind) if f.name not in values and _required(f)]
        if missing:
            raise _wrong(f"{where}.{missing[0]}".lstrip("."), "nothing", "a value")
        make: Any = kind
        return make(**values)
    if get_origin(kind) in (Union, types.UnionType):
        options = [a for a in get_args(kind) if a is not type(None)]
        return None if data is None else _build(options[0], data, where)
    if get_origin(kind) is tuple:
        return _build_tuple(get_args(kind), data, where)
    return _build_plain(kind, data, where)


def _build_tuple(items: tuple, data: Any, where: str) -> tuple:
    if not isinstance(data, list):
        raise _wrong(where, data, "a list")
    kinds = [items[0]] * len(data) if items[-1] is Ellipsis else list(items)
    if len(kinds) != len(data):
        raise _wrong(where, f"{len(data)} values", f"{len(kinds)} values")
    return tuple(_build(k, value, f"{where}[{i}]") for i, (k, value) in enumerate(zip(kinds, data, strict=True)))


def _build_plain(kind: Any, data: Any, where: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if data not in [str(word) for word in kind]:
            raise _wrong(where, data, ", ".join(kind))
        return kind(data)
    if kind is float and isinstance(data, int | float) and not isinstance(data, bool) and math.isfinite(data):
        return float(data)
    if kind is not float and type(data) is kind:
        return data
    raise _wrong(where, data, {"float": "a finite number", "int": "a whole number", "str": "a word",
                               "bool": "true or false"}[kind.__name__])  # fmt: skip


def _required(field: Any) -> bool:
    from dataclasses import MISSING

    return field.default is MISSING and field.default_factory is MISSING


def _wrong(where: str, measured: object, expected: str) -> InputError:
    return InputError("CF-P011", "an entry of the phantom's spec cannot be used", where=where or "top level",
                      measured=str(measured), expected=expected)  # fmt: skip


def truth_to_dict(truth: PhantomTruth) -> dict[str, Any]:
    """Return the truth as plain data: the spec, and one row per level with its rays; null = does not exist."""
    axis = truth.axis
    levels = {
        "depth_mm": axis.depth_mm,
        "point_lps": axis.points_lps,
        "s_lps": axis.s_lps,
        "u_lps": axis.u_lps,
        "v_lps": axis.v_lps,
    }
    per_level = ("inscribed_diameter_mm", "inscribed_centre_xy_mm", "minor_diameter_mm", "major_diameter_mm",
                 "area_diameter_mm", "centroid_xy_mm", "endosteal_radius_mm", "periosteal_radius_mm",
                 "wall_normal_mm", "wall_hu", "open")  # fmt: skip
    levels |= {name: getattr(truth, name) for name in per_level}
    scalars = ("isthmus_depth_mm", "isthmus_diameter_mm", "canal_volume_mm3", "cortical_volume_mm3",
               "sigma_in_plane_mm", "sigma_slice_mm")  # fmt: skip
    return {
        "schema": TRUTH_SCHEMA,
        "spec": asdict(truth.spec),
        **{name: _plain(getattr(truth, name)) for name in scalars},
        "theta_rad": _plain(truth.theta_rad),
        "levels": {name: _plain(values) for name, values in levels.items()},
    }


def write_truth(truth: PhantomTruth, path: str | Path) -> None:
    """Write the truth as JSON."""
    Path(path).write_text(json.dumps(truth_to_dict(truth), allow_nan=False, separators=(",", ":")) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_plain(v) for v in value] if value.ndim > 1 else [_plain(v) for v in value.tolist()]
    if isinstance(value, float):
        return round(value, DECIMALS) if math.isfinite(value) else None
    return value
