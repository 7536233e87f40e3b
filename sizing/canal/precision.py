"""Standard errors of section numbers, from those of the surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sizing.canal.model import Canal, EdgeModel
from sizing.geometry import FloatArray

# Points that hold an inscribed circle: two for an oval canal, three for a round one; the fewer, the less sure.
CIRCLE_POINTS = 2.0


def section_errors(
    canal: Canal, inner: FloatArray, outer: FloatArray, centroid: FloatArray, minor_direction: FloatArray
) -> dict[str, FloatArray]:
    """Return standard errors (m,) of the numbers of ``SectionTable``; NaN where nothing was measured.

    Each number is linear in small shifts of the surface: number = sum of g_i dR_i. Noise is
    independent over ``independent_mm`` of surface, so that its variance is the sum of
    (g_i se_i)^2 times the rays per independent piece; what a region shares averages out over regions; what
    all rays share adds up without a square. Cortex HU and blur move both surfaces at once, mostly apart.

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
    apart = -2 * _covariance_mm2(canal.edges) * by_area.sum(axis=1) * (outer * step).sum(axis=1)
    both = result["canal_area_se_mm2"] ** 2 + other.of_sum(outer * step) ** 2
    result["cortical_area_se_mm2"] = np.sqrt(np.maximum(both + apart, 0.0))
    return result | {"wall_min_se_mm": _wall_min_se(canal)}


@dataclass(frozen=True)
class _Errors:
    """Noise, regional and common error (m, n) of one surface, and what becomes of them in sums.

    ``rays_per_piece`` (m,): of the noise. ``alike`` (n // 2 + 1,): spectrum of the likeness of regional errors.
    """

    noise: FloatArray
    regional: FloatArray
    common: FloatArray
    rays_per_piece: FloatArray
    alike: FloatArray

    @classmethod
    def of(cls, canal: Canal, surface: str, radius: FloatArray) -> _Errors:
        total, common = (_bridged(getattr(canal, f"{surface}_{part}")) for part in ("se_mm", "common_se_mm"))
        stated, region = getattr(canal, f"{surface}_regional_se_mm"), canal.edges.regional_rad
        regional = np.zeros_like(total) if stated is None else _bridged(stated)
        noise = np.sqrt(np.maximum(total**2 - regional**2 - common**2, 0.0))
        n = radius.shape[1]
        arc = radius.mean(axis=1) * (2 * np.pi / n)
        assert canal.edges.independent_mm is not None
        angle = np.minimum(np.arange(n), n - np.arange(n)) * (2 * np.pi / n)
        likeness = np.exp(-((angle / (2 * region)) ** 2)) if region else np.ones(n)
        pieces = np.maximum(canal.edges.independent_mm / arc, 1.0)
        return cls(noise, regional, common, pieces, np.fft.rfft(likeness).real)

    def parts(self, share: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the variance (m,) of what averages out in a sum, and the error (m,) of what does not."""
        noise = ((share * self.noise) ** 2).sum(axis=1) * self.rays_per_piece
        # sum over pairs of rays of error x likeness x error, as a product of spectra
        power = np.abs(np.fft.rfft(share * self.regional, axis=1)) ** 2 * self.alike
        n = share.shape[1]
        twice = 2 * power.sum(axis=1) - power[:, 0] - (power[:, -1] if n % 2 == 0 else 0.0)
        return noise + twice / n, (share * self.common).sum(axis=1)

    def of_sum(self, share: FloatArray) -> FloatArray:
        own, shared = self.parts(share)
        return np.sqrt(own + shared**2)

    def of_circle(self, points: float) -> FloatArray:
        """Twice a radius held by a few points, each in a region of its own."""
        own = (self.noise**2 + self.regional**2).mean(axis=1)
        return 2 * np.sqrt(own / points + (self.common**2).mean(axis=1))

    def of_extent(self, angle: float, theta: FloatArray, radius: FloatArray) -> FloatArray:
        """Distance between the two extreme points along a direction."""
        along = radius * np.cos(theta - angle)
        filled = np.nan_to_num(along)
        rows = np.arange(len(along))
        ends = filled.argmax(axis=1), filled.argmin(axis=1)
        own = sum(self.noise[rows, e] ** 2 + self.regional[rows, e] ** 2 for e in ends)
        return np.sqrt(own + sum(self.common[rows, e] for e in ends) ** 2)


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
    inner, outer = canal.endosteal_se_mm[rows, at], canal.periosteal_se_mm[rows, at]
    square = inner**2 + outer**2
    apart = np.clip(-2 * _covariance_mm2(canal.edges), -square, square)  # the medians need not fit one ray
    return np.where(some, np.sqrt(square + apart), np.nan)


def _covariance_mm2(edges: EdgeModel) -> float:
    """Return how the errors of cortex HU and of blur move both surfaces together; negative = apart."""
    hu_share = (edges.cortex_hu_se or 0.0) / (edges.cortex_hu or 1.0)
    sources = (
        (hu_share, edges.endosteal_mm_per_10_percent_cortex, edges.wall_mm_per_10_percent_cortex),
        (edges.sigma_in_plane_se, edges.endosteal_mm_per_10_percent_sigma, edges.wall_mm_per_10_percent_sigma),
    )
    moves = [((share or 0.0) / 0.1, inner or 0.0, wall or 0.0) for share, inner, wall in sources]
    return sum(tenths**2 * inner * (inner + wall) for tenths, inner, wall in moves)
