"""Phantom specs from TOML or JSON files, and the truth as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sizing.errors import InputError
from sizing.phantom.spec import PhantomSpec
from sizing.phantom.truth import PhantomTruth
from sizing.strict import build

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
    return build(PhantomSpec, data, _wrong)


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
