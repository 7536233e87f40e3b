"""Packs a scene for the page that turns it without a network (``templates/turn.js``)."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass

import numpy as np

import viewer.style as style
from sizing.geometry import FloatArray
from viewer.scene import Layer, Scene

# Walls travel as 16-bit numbers over this range: steps of 0.0005 mm. 65535 = cannot tell.
CODED_RANGE_MM = (-8.0, 24.0)
UNKNOWN = 65535
TABLE_ENTRIES = 1200


@dataclass(frozen=True)
class PackedScene:
    """What the page needs: a description (JSON) and the numbers (base64 of a zlib stream)."""

    description: str
    data: str
    titles: tuple[tuple[int, str, bool], ...]


def pack(scene: Scene) -> PackedScene:
    """Return the scene for the page; points are rounded to 1/65535 of each layer's box."""
    chunks: list[bytes] = []
    layers = [_pack_layer(layer, chunks) for layer in scene.layers]
    points = np.concatenate([layer.mesh.points_lps for layer in scene.layers])
    local = points @ np.stack([scene.proximal_lps, scene.anterior_lps, scene.lateral_lps]).T
    low, high = local.min(axis=0), local.max(axis=0)
    centre = (low + high) / 2 @ np.stack([scene.proximal_lps, scene.anterior_lps, scene.lateral_lps])
    table = style.colour_table(scene.bands, *scene.value_range, entries=TABLE_ENTRIES)
    right_of_front = np.cross(scene.proximal_lps, scene.anterior_lps)
    description = {
        "layers": layers, "table": np.rint(table * 255).astype(int).ravel().tolist(),
        "shown": scene.value_range, "coded": CODED_RANGE_MM, "reach": round(float(high[0] - low[0]) * 1.08, 4),
        "centre": _rounded(centre), "anterior": _rounded(scene.anterior_lps), "lateral": _rounded(scene.lateral_lps),
        "proximal": _rounded(scene.proximal_lps), "words": [scene.lateral_word, scene.medial_word],
        "lateral_is_left_of_front": bool(right_of_front @ scene.lateral_lps < 0),
    }  # fmt: skip
    titles = tuple((i, layer.title, layer.shown) for i, layer in enumerate(scene.layers))
    text = json.dumps(description, separators=(",", ":")).replace("<", "\\u003c")
    return PackedScene(text, base64.b64encode(zlib.compress(b"".join(chunks), 6)).decode(), titles)


def _rounded(vector: FloatArray) -> list[float]:
    return [round(float(x), 6) for x in vector]


def _pack_layer(layer: Layer, chunks: list[bytes]) -> dict[str, object]:
    points = layer.mesh.points_lps
    low = points.min(axis=0)
    size = np.maximum(points.max(axis=0) - low, 1e-3)
    place = _add(chunks, np.rint((points - low) / size * 65535).astype("<u2"))
    values = layer.mesh.values
    return {
        "n": len(points), "t": len(layer.mesh.triangles), "low": _rounded(low), "size": _rounded(size),
        "colour": [round(c, 4) for c in layer.rgb], "opacity": layer.opacity, "show": layer.shown,
        "points": place, "values": None if values is None else _add(chunks, coded(values)),
        "triangles": _add(chunks, layer.mesh.triangles.astype("<u4")),
    }  # fmt: skip


def coded(values_mm: FloatArray) -> np.ndarray:
    """Return walls as 16-bit numbers over ``CODED_RANGE_MM``; NaN as 65535."""
    low, high = CODED_RANGE_MM
    known = np.isfinite(values_mm)
    share = np.clip((np.where(known, values_mm, low) - low) / (high - low), 0.0, 1.0)
    return np.where(known, np.rint(share * (UNKNOWN - 1)), UNKNOWN).astype("<u2")


def _add(chunks: list[bytes], array: np.ndarray) -> int:
    """Append an array on a boundary of four bytes; returns where it starts."""
    start = sum(map(len, chunks))
    raw = array.tobytes()
    chunks.append(raw + b"\0" * (-len(raw) % 4))
    return start
