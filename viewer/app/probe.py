"""What is under the pointer: level, direction, HU and wall; looked up, never computed anew."""

from __future__ import annotations

import numpy as np

import viewer.contours as contours
import viewer.words as words
from sizing.anatomy import direction_word
from sizing.canal.model import Canal
from sizing.geometry import FloatArray
from sizing.volume import CtVolume
from viewer.app.pictures import Look, Pictures
from viewer.app.session import State
from viewer.slices import sample_hu


def probe(state: State, look: Look, pictures: Pictures, key: str, x: float, y: float) -> str:
    """Return one line about a place (x, y) in a picture, in the picture's own units; empty where there is nothing."""
    canal, volume = state.plan.canal, pictures.volume
    native = pictures.native_wall_mm(canal)
    if key == "section":
        point = canal.axis.to_lps(look.level, (y, x))
        return _line(state, native, volume, point, look.level, float(np.arctan2(x, y)), look)
    if key.startswith("long-"):
        frame = contours.stem_frame(state.fit, canal)
        point = frame.to_lps(x, 0.0, y) if key == "long-coronal" else frame.to_lps(0.0, -x, y)
        level = int(np.argmin(np.abs(contours.travel_at_levels(canal, frame) - y)))
        return _line(state, native, volume, point, level, _theta(canal, level, point), look)
    if key in ("wall-map", "native-map"):
        level = contours.nearest_level(canal, y)
        return _line(state, native, None, None, level, float(np.deg2rad(x)), look)
    if key.startswith("canal-"):
        level = contours.nearest_level(canal, y)
        way = canal.axis.v_lps[level] if key == "canal-coronal" else -canal.axis.u_lps[level]
        point = canal.axis.points_lps[level] + x * way
        return _line(state, native, volume, point, level, _theta(canal, level, point), look)
    return words.above_cut(y) if key in ("diameters", "fill") else ""


def _theta(canal: Canal, level: int, point_lps: FloatArray) -> float:
    q = point_lps - canal.axis.points_lps[level]
    return float(np.arctan2(q @ canal.axis.v_lps[level], q @ canal.axis.u_lps[level]))


def _line(
    state: State,
    native_mm: FloatArray,
    volume: CtVolume | None,
    point: FloatArray | None,
    level: int,
    theta: float,
    look: Look,
) -> str:
    canal = state.plan.canal
    ray = contours.nearest_ray(canal, theta)
    parts = [words.above_cut(float(canal.axis.depth_mm[level]))]
    if canal.side is not None:
        way = np.cos(theta) * canal.axis.u_lps[level] + np.sin(theta) * canal.axis.v_lps[level]
        parts.append(direction_word(way, canal.side))
    if volume is not None and point is not None:
        hu = float(sample_hu(volume, point[None])[0])
        parts.append(f"{hu:.0f} HU" if np.isfinite(hu) else "outside the scan")
    parts.append(f"native wall {words.wall(float(native_mm[level, ray]))}")
    reamed = state.fit.reamed
    if reamed is not None and reamed.passes:
        parts.append(
            f"wall left along the ray {words.wall(float(reamed.passes[look.reamer].wall_left_mm[level, ray]))}"
        )
    return " · ".join(parts)
