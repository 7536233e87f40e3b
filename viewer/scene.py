"""The 3-D scene of a plan as data: named layers, what their colours mean, and the patient's directions.

Pure: no window, no OpenGL. ``viewer.render`` draws it with PyVista, ``viewer.turntable`` puts it
into ``report.html``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

import viewer.style as style
from sizing.canal.model import Canal
from sizing.fit.model import Fit
from sizing.geometry import FloatArray
from sizing.planning import ImplantationPlan
from viewer.bodies import implant_mesh, known_levels, rings
from viewer.mesh import Mesh, Triangles, grid_triangles, tidy
from viewer.pane import Band

IVORY, METAL = (0.90, 0.86, 0.76), style.rgb("#7fb2d9")
# Values are looked up in a table over this range; walls beyond it share the end colours.
VALUE_RANGE_MM = (-2.0, 10.0)


@dataclass(frozen=True)
class Layer:
    """One body of the scene.

    Attributes
    ----------
    mesh : Mesh
        Its values, if any, are coloured by the scene's bands.
    title : str
        For a list of what can be shown and hidden.
    rgb : tuple of float
        Colour where there are no values.
    opacity : float
    shown : bool
        At first.
    """

    mesh: Mesh
    title: str
    rgb: tuple[float, float, float]
    opacity: float = 1.0
    shown: bool = True

    @property
    def coloured(self) -> bool:
        """The layer's colours show values."""
        return self.mesh.values is not None


@dataclass(frozen=True)
class Scene:
    """Layers with their legend.

    Attributes
    ----------
    layers : tuple of Layer
    bands : tuple of Band
    legend : str
        What the colours mean, with the unit.
    anterior_lps, lateral_lps, proximal_lps : (3,) arrays
        Unit vectors of the bone, for standard views and the direction marker.
    lateral_word, medial_word : str
        "lateral" and "medial"; "left" and "right" where the side is not known.
    """

    layers: tuple[Layer, ...]
    bands: tuple[Band, ...]
    legend: str
    anterior_lps: FloatArray
    lateral_lps: FloatArray
    proximal_lps: FloatArray
    lateral_word: str = "lateral"
    medial_word: str = "medial"

    def without(self, name: str) -> Scene:
        """Return the scene with one layer left out."""
        return replace(self, layers=tuple(layer for layer in self.layers if layer.mesh.name != name))


def plan_scene(plan: ImplantationPlan, fit: Fit | None = None, keep: str = "posterior") -> Scene:
    """Build the scene of a plan: one half of the bone, its bore coloured by the wall left, and the implant.

    Parameters
    ----------
    plan : ImplantationPlan
        With or without a choice.
    fit : Fit or None
        None: the plan's choice.
    keep : str
        The half of the bone that stays: "posterior" (seen from the front) or "medial" (from the side).
    """
    fit = fit or plan.chosen
    canal = plan.canal
    wall, inner, legend = _wall_and_bore(canal, fit)
    anterior, lateral, proximal = directions(canal)
    half = half_rays(canal, -anterior if keep == "posterior" else -lateral)
    layers = [
        Layer(_half_shell(canal, inner, half), "bone, cut open", IVORY),
        Layer(_half_bore(canal, inner, wall, half), "inner wall", IVORY),
        Layer(outer_sheet(canal), "whole bone", IVORY, opacity=0.25, shown=False),
    ]
    if fit is not None:
        layers.append(Layer(implant_mesh(fit, canal), "implant", METAL))
    side, bands = canal.side, style.wall_bands(plan.settings.wall_limit_mm)
    return Scene(
        tuple(layer for layer in layers if len(layer.mesh.triangles)), bands, legend,
        anterior, lateral, proximal, "lateral" if side else "left", "medial" if side else "right",
    )  # fmt: skip


def _wall_and_bore(canal: Canal, fit: Fit | None) -> tuple[FloatArray, FloatArray, str]:
    if fit is not None and fit.reamed is not None and fit.reamed.passes:
        return fit.reamed.passes[-1].wall_left_mm, fit.reamed.bore_radius_mm, "wall left after the last reamer, mm"
    return canal.wall_radial_mm, canal.endosteal_radius_mm, "wall of the untouched bone, mm"


def directions(canal: Canal) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return anterior, lateral (left, if the side is unknown) and proximal of the shaft's middle; orthonormal."""
    k = len(canal.axis) // 2
    s, u, v = canal.axis.s_lps[k], canal.axis.u_lps[k], canal.axis.v_lps[k]
    lateral_x = canal.side.lateral_x if canal.side else 1.0
    return u, v if v[0] * lateral_x > 0 else -v, s


def half_rays(canal: Canal, towards_lps: FloatArray) -> np.ndarray:
    """Return the indices of the rays within a quarter turn of a direction, in order, ends included."""
    k = len(canal.axis) // 2
    middle = np.arctan2(towards_lps @ canal.axis.v_lps[k], towards_lps @ canal.axis.u_lps[k])
    n = len(canal.theta_rad)
    first = round((middle - np.pi / 2) / (2 * np.pi) * n)
    return np.arange(first, first + n // 2 + 1) % n


def _half_shell(canal: Canal, inner_mm: FloatArray, half: np.ndarray) -> Mesh:
    """The outer sheet of one half, its two long cut faces and both ends."""
    k = known_levels(canal)
    outer = rings(canal, canal.periosteal_radius_mm)[k][:, half]
    inner = rings(canal, inner_mm)[k][:, half]
    m, n = outer.shape[:2]
    pieces = [outer, *(np.stack(p, axis=1) for p in ((inner[:, 0], outer[:, 0]), (outer[:, -1], inner[:, -1])))]
    pieces += [np.stack([inner[0], outer[0]]), np.stack([outer[-1], inner[-1]])]
    points, triangles, first = [], [], 0
    for piece in pieces:
        rows, columns = piece.shape[:2]
        points.append(piece.reshape(-1, 3))
        triangles.append(grid_triangles(rows, columns, wrap=False, first=first))
        first += rows * columns
    return tidy("bone", np.concatenate(points), np.concatenate(triangles)) if m * n else _nothing("bone")


def _half_bore(canal: Canal, inner_mm: FloatArray, wall_mm: FloatArray, half: np.ndarray) -> Mesh:
    """The inner sheet of one half, looking at the axis, with the wall behind it as value."""
    k = known_levels(canal)
    points = rings(canal, inner_mm)[k][:, half]
    m, n = points.shape[:2]
    if not m * n:
        return _nothing("bore")
    triangles: Triangles = grid_triangles(m, n, wrap=False)[:, ::-1]
    return tidy("bore", points.reshape(-1, 3), triangles, wall_mm[k][:, half].reshape(-1))


def outer_sheet(canal: Canal, values: FloatArray | None = None) -> Mesh:
    """Return the outer surface, open at both ends, with a value (m, n) per ray if given."""
    k = known_levels(canal)
    points = rings(canal, canal.periosteal_radius_mm)[k]
    m, n = points.shape[:2]
    if not m * n:
        return _nothing("outer")
    return tidy("outer", points.reshape(-1, 3), grid_triangles(m, n), None if values is None else values[k].reshape(-1))


def _nothing(name: str) -> Mesh:
    return Mesh(name, np.zeros((0, 3)), np.zeros((0, 3), np.int32))
