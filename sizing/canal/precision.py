"""Standard errors of section numbers, from those of the surface."""

from __future__ import annotations

import numpy as np

from sizing.canal.model import Canal
from sizing.geometry import FloatArray

# Points that hold an inscribed circle: two for an oval canal, three for a round one; the fewer, the less sure.
CIRCLE_POINTS = 2.0


def section_errors(
    canal: Canal, inner: FloatArray, outer: FloatArray, centroid: FloatArray, minor_direction: FloatArray
) -> dict[str, FloatArray]:
    """Return standard errors (m,) of the numbers of ``SectionTable``; NaN where nothing was measured.

    Each number is linear in small shifts of the surface: number = sum of g_i dR_i. Noise is
    independent over ``independent_mm`` of surface, so that its variance is the sum of
    (g_i se_i)^2 times the rays per independent piece; the shared part adds up without a square.

    Parameters
    ----------
    canal : Canal
        With standard errors.
    inner, outer : (m, n) arrays
        Closed contours.
    centroid : (m, 2) array
        Of the canal.
    minor_direction : (m,) array
        Direction of the canal's short axis.
    """
    m, n = inner.shape
    names = ("inscribed", "minor", "major", "area", "ap", "ml")
    if canal.endosteal_se_mm is None or canal.edges.independent_mm is None:
        nothing = np.full(m, np.nan)
        wall = {"wall_min_se_mm": nothing, "canal_area_se_mm2": nothing, "cortical_area_se_mm2": nothing}
        return {f"{name}_diameter_se_mm": nothing for name in names} | wall
    step = 2 * np.pi / n
    surface = _Errors.of(canal, "endosteal", inner)
    other = _Errors.of(canal, "periosteal", outer)
    area = 0.5 * (inner**2).sum(axis=1) * step
    by_area = inner * step
    x = inner * np.cos(canal.theta_rad) - centroid[:, :1]
    y = inner * np.sin(canal.theta_rad) - centroid[:, 1:]
    errors = {"area": surface.of_sum(by_area / np.sqrt(np.pi * area)[:, None])}
    for name, angle in (("minor", minor_direction), ("major", minor_direction + np.pi / 2)):
        along = x * np.cos(angle)[:, None] + y * np.sin(angle)[:, None]
        moment = (along**2 * inner / 4 * by_area).sum(axis=1)  # int along^2 dA, about the centroid
        change = along**2 - (moment / area)[:, None]
        errors[name] = surface.of_sum(2 * change * by_area / np.sqrt(moment * area)[:, None])
    errors["inscribed"] = surface.of_circle(CIRCLE_POINTS)
    for name, towards in (("ap", 0.0), ("ml", np.pi / 2)):
        errors[name] = surface.of_extent(towards, canal.theta_rad, inner)
    result = {f"{name}_diameter_se_mm": values for name, values in errors.items()}
    result["canal_area_se_mm2"] = surface.of_sum(by_area)
    result["cortical_area_se_mm2"] = np.hypot(result["canal_area_se_mm2"], other.of_sum(outer * step))
    return result | {"wall_min_se_mm": _wall_min_se(canal)}


class _Errors:
    """Noise and shared error (m, n) of one surface, and what becomes of them in sums."""

    def __init__(self, noise: FloatArray, common: FloatArray, rays_per_piece: FloatArray) -> None:
        self.noise, self.common, self.rays_per_piece = noise, common, rays_per_piece

    @classmethod
    def of(cls, canal: Canal, surface: str, radius: FloatArray) -> _Errors:
        total = _bridged(getattr(canal, f"{surface}_se_mm"))
        common = _bridged(getattr(canal, f"{surface}_common_se_mm"))
        noise = np.sqrt(np.maximum(total**2 - common**2, 0.0))
        arc = radius.mean(axis=1) * (2 * np.pi / radius.shape[1])
        assert canal.edges.independent_mm is not None
        return cls(noise, common, np.maximum(canal.edges.independent_mm / arc, 1.0))

    def of_sum(self, share: FloatArray) -> FloatArray:
        noise = ((share * self.noise) ** 2).sum(axis=1) * self.rays_per_piece
        return np.sqrt(noise + (share * self.common).sum(axis=1) ** 2)

    def of_circle(self, points: float) -> FloatArray:
        """Twice a radius held by a few points."""
        noise, common = (np.sqrt((part**2).mean(axis=1)) for part in (self.noise, self.common))
        return 2 * np.sqrt(noise**2 / points + common**2)

    def of_extent(self, angle: float, theta: FloatArray, radius: FloatArray) -> FloatArray:
        """Distance between the two extreme points along a direction."""
        along = radius * np.cos(theta - angle)
        filled = np.nan_to_num(along)
        rows = np.arange(len(along))
        ends = filled.argmax(axis=1), filled.argmin(axis=1)
        noise = np.sqrt(sum(self.noise[rows, e] ** 2 for e in ends))
        return np.hypot(noise, sum(self.common[rows, e] for e in ends))


def _bridged(values: FloatArray) -> FloatArray:
    """Return errors (m, n) with unknown rays taking the worst of their level: a bridged gap is no measurement."""
    some = np.asarray(np.isfinite(values).any(axis=1))
    worst = np.where(some, np.nanmax(np.where(some[:, None], values, 0.0), axis=1), np.nan)
    return np.where(np.isfinite(values), values, worst[:, None])


def _wall_min_se(canal: Canal) -> FloatArray:
    """Standard error of the wall where it is least: both surfaces, on the same ray."""
    wall = canal.wall_radial_mm
    some = np.asarray(np.isfinite(wall).any(axis=1))
    at = np.nanargmin(np.where(some[:, None], wall, 0.0), axis=1)
    rows = np.arange(len(wall))
    assert canal.endosteal_se_mm is not None and canal.periosteal_se_mm is not None
    both = np.hypot(canal.endosteal_se_mm[rows, at], canal.periosteal_se_mm[rows, at])
    return np.where(some, both, np.nan)
