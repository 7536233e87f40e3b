"""The 3-D scene of a plan as data: named layers, what their colours mean, and the patient's directions.

Pure: no window, no OpenGL. ``viewer.render`` draws it with PyVista, ``viewer.turntable`` puts it
into ``report.html``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

import viewer.style as style
from sizing.canal import cortical_thickness
from sizing.canal.model import Canal
from sizing.fit.model import Fit
from sizing.geometry import FloatArray
from sizing.implants.cavity import cavity_along
from sizing.planning import ImplantationPlan
from viewer.bodies import canal_mesh, implant_mesh, known_levels, reamer_mesh, rings
from viewer.contours import stem_axis
from viewer.isolines import Isolines, isolines
from viewer.mesh import Mesh, Triangles, grid_triangles, tidy
from viewer.pane import Band
from viewer.stem_frame import StemFrame

GAP_STEP_MM, GAP_ANGLES = 1.0, 96  # where the gap between stem and hole is looked up
ON_SURFACE_MM = 1e-6  # rounding of points that were built on the stem's surface
IVORY, METAL, STEEL = (0.90, 0.86, 0.76), style.rgb("#7fb2d9"), (0.55, 0.57, 0.60)


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
    bands : tuple of Band
        Colours of its own; empty: the scene's.
    """

    mesh: Mesh
    title: str
    rgb: tuple[float, float, float]
    opacity: float = 1.0
    shown: bool = True
    bands: tuple[Band, ...] = ()

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

    @property
    def value_range(self) -> tuple[float, float]:
        """Range of the colour table; values beyond it share the end colours."""
        return style.table_range(self.bands)

    def isolines(self) -> Isolines:
        """Return the borders of the colours on what is shown."""
        return isolines(
            [(layer.mesh, layer.bands or self.bands) for layer in self.layers if layer.shown and layer.coloured]
        )

    def without(self, name: str) -> Scene:
        """Return the scene with one layer left out."""
        return replace(self, layers=tuple(layer for layer in self.layers if layer.mesh.name != name))


@dataclass(frozen=True)
class SceneOptions:
    """What of a plan is shown, and what the colours mean.

    Attributes
    ----------
    keep : str
        The half of the bone that stays: "posterior" (seen from the front), "medial", "anterior" or "lateral".
    bone : str
        "half", "glass" (whole and translucent), "surface" (whole, coloured) or "hidden".
    colour : str
        "wall" left after the shown reamer, native "thickness", "contact" of the reamer, or "hu" of the cortex.
    stem : str
        "plain", "gap" (coloured by gap and interference) or "hidden".
    reamer : int
        Pass that is shown; -1 = the last.
    show_reamer, show_canal : bool
    """

    keep: str = "posterior"
    bone: str = "half"
    colour: str = "wall"
    stem: str = "plain"
    reamer: int = -1
    show_reamer: bool = False
    show_canal: bool = False


PLAIN = SceneOptions()


def plan_scene(
    plan: ImplantationPlan, fit: Fit | None = None, options: SceneOptions = PLAIN, wall_limit_mm: float | None = None
) -> Scene:
    """Build the scene of a plan, or of another fit in its canal.

    Parameters
    ----------
    plan : ImplantationPlan
        With or without a choice.
    fit : Fit or None
        None: the plan's choice.
    options : SceneOptions
        By default one half of the bone, its bore coloured by the wall left, and the implant.
    wall_limit_mm : float or None
        Where the warm colours begin; None: the plan's own limit.
    """
    fit = fit or plan.chosen
    canal = plan.canal
    limit = plan.settings.wall_limit_mm if wall_limit_mm is None else wall_limit_mm
    anterior, lateral, proximal = directions(canal)
    towards = {"posterior": -anterior, "anterior": anterior, "medial": -lateral, "lateral": lateral}[options.keep]
    values, bands, legend = _colours(canal, fit, options, limit)
    inner = _bore_radius(canal, fit, options)
    half = half_rays(canal, towards)
    layers = [
        Layer(_half_shell(canal, inner, half), "bone, cut open", IVORY, shown=options.bone == "half"),
        Layer(_half_bore(canal, inner, values, half), "inner wall", IVORY, shown=options.bone == "half"),
    ]
    if options.bone == "surface":
        layers.append(Layer(outer_sheet(canal, values), "whole bone", IVORY))
    else:
        layers.append(Layer(outer_sheet(canal), "whole bone", IVORY, opacity=0.25, shown=options.bone == "glass"))
    if fit is not None:
        layers += fit_layers(canal, fit, options)
    side = canal.side
    return Scene(
        tuple(layer for layer in layers if len(layer.mesh.triangles)), bands, legend,
        anterior, lateral, proximal, "lateral" if side else "left", "medial" if side else "right",
    )  # fmt: skip


def fit_layers(canal: Canal, fit: Fit, options: SceneOptions) -> list[Layer]:
    """Return the layers that belong to an implant: itself, the reamer that is shown, the native canal."""
    layers = []
    if options.stem != "hidden":
        layers.append(_implant_layer(canal, fit, options))
    if options.show_reamer and fit.reaming_plan.passes:
        layers.append(Layer(reamer_mesh(fit.reaming_plan.passes[options.reamer], canal), "reamer", STEEL, opacity=0.5))
    if options.show_canal:
        layers.append(Layer(canal_mesh(canal), "canal", style.rgb(style.YELLOW), opacity=0.35))
    return layers


def _implant_layer(canal: Canal, fit: Fit, options: SceneOptions) -> Layer:
    mesh = implant_mesh(fit, canal)
    if options.stem != "gap" or fit.reamed is None:
        return Layer(mesh, "implant", METAL)
    gaps = gap_at(mesh.points_lps, canal, fit)
    return Layer(replace(mesh, values=gaps), "implant", METAL, bands=style.gap_bands())


def gap_at(points_lps: FloatArray, canal: Canal, fit: Fit) -> FloatArray:
    """Return how far the hole's wall stands off the stem (k,) at points of its surface; negative = into bone.

    The hole as ``sizing`` sees it from the stem's axis, minus the stem's own radius there; NaN off the stem.
    """
    axis = stem_axis(fit)
    stations = np.arange(0.0, fit.implant.length_mm + GAP_STEP_MM, GAP_STEP_MM)
    hole = cavity_along(canal, axis, stations, GAP_ANGLES, fit.reamed)
    frame = StemFrame.of(axis, hole.x_lps)
    p = frame.from_lps(points_lps)
    y = np.cross(axis.direction_lps, hole.x_lps)
    turn = np.arctan2(p[:, 0] * (frame.right_lps @ y), p[:, 1]) % (2.0 * np.pi) / (2.0 * np.pi) * GAP_ANGLES
    row = np.clip(np.rint(p[:, 2] / GAP_STEP_MM).astype(int), 0, len(stations) - 1)
    column = np.rint(turn).astype(int) % GAP_ANGLES
    radius = np.hypot(p[:, 0], p[:, 1])
    own = fit.implant.radius_at(np.clip(p[:, 2], 0.0, fit.implant.length_mm))
    on_stem = np.abs(radius - own) < ON_SURFACE_MM  # not the collar, not the middle of the tip
    return np.where(on_stem, hole.hole_radius_mm[row, column] - radius, np.nan)


def _bore_radius(canal: Canal, fit: Fit | None, options: SceneOptions) -> FloatArray:
    """The inner surface after the shown reamer; the periosteum bounds what is drawn."""
    if fit is None or fit.reamed is None or not fit.reamed.passes:
        return canal.endosteal_radius_mm
    if options.reamer == -1:
        return fit.reamed.bore_radius_mm
    return canal.periosteal_radius_mm - fit.reamed.passes[options.reamer].wall_left_mm


def _colours(
    canal: Canal, fit: Fit | None, options: SceneOptions, limit_mm: float
) -> tuple[FloatArray, tuple[Band, ...], str]:
    reamed = fit is not None and fit.reamed is not None and bool(fit.reamed.passes)
    if options.colour == "hu" and canal.cortex_hu is not None:
        return canal.cortex_hu, style.hu_bands(), "mean HU of the wall"
    if reamed and fit is not None and fit.reamed is not None:
        result = fit.reamed.passes[options.reamer]
        if options.colour == "contact":
            return result.contact.astype(float), style.contact_bands(), "where the reamer touches bone"
        if options.colour == "wall":
            d = result.reamer_pass.reamer.diameter_mm
            last = options.reamer in (-1, len(fit.reamed.passes) - 1)
            which = "the last reamer" if last else f"the {d:g} mm reamer"
            return result.wall_left_mm, style.wall_bands(limit_mm), f"wall left after {which}, mm"
    return cortical_thickness(canal), style.wall_bands(limit_mm), "thickness of the untouched bone, mm"


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
