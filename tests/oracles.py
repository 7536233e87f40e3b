"""Slow NumPy twins of the reaming kernels. They share no formula with them beyond the definition of a tool.

Areas by counting midpoints of a fine polar grid that lie in a set; walls by trying all pairs of points; sums over a
contour by the plain rule on a contour that is 64 times finer.
"""

from __future__ import annotations

import numpy as np


def finer(samples: np.ndarray, n: int) -> np.ndarray:
    """Trigonometric interpolation of periodic samples (..., k) to (..., n)."""
    spectrum = np.fft.rfft(samples, axis=-1)
    return np.fft.irfft(spectrum, n, axis=-1) * (n / samples.shape[-1])


def in_tool(x, y, tool, pieces) -> np.ndarray:
    """Membership of section points in one tool: its row (8,) of the kernel's table and its pieces (k, 5)."""
    cx, cy, du, dv, ku, kv, tau0, _ = tool
    qx, qy = x - cx, y - cy
    along = du * qx + dv * qy
    travel = along / (1.0 - ku * qx - kv * qy)
    rho2, tau = qx**2 + qy**2 - along * travel, tau0 + travel
    inside = np.zeros(np.shape(x), bool)
    for low, high, a, b, c in pieces:
        inside |= (tau >= low) & (tau <= high) & (rho2 <= a + b * tau + c * tau**2)
    return inside


def counted_areas(contours, tools, pieces, plane=(1.0, 0.0, 0.0), n_theta=720, n_radius=900) -> np.ndarray:
    """Area and moments (parts, 3) of a union of tools within each contour (parts, k radii), and anywhere (last row).

    plane = height over the cut plane and its change along x, y: points below it do not exist.
    """
    theta = (np.arange(n_theta) + 0.5) * 2 * np.pi / n_theta
    # the contour at the midpoints: shift by half a step before refining
    limits = [finer(c, 2 * n_theta)[1::2] for c in contours]
    far = 1.2 * max(float(np.max(limit)) for limit in limits) + 15.0
    edge = np.linspace(0.0, far, n_radius + 1)
    radius = 0.5 * (edge[1:] + edge[:-1])[:, None]
    x, y = radius * np.cos(theta), radius * np.sin(theta)
    area = radius * (far / n_radius) * (2 * np.pi / n_theta) * np.ones_like(x)
    inside = np.zeros(x.shape, bool)
    for tool, piece in zip(tools, pieces, strict=True):
        inside |= in_tool(x, y, tool, piece)
    inside &= plane[0] + plane[1] * x + plane[2] * y >= 0.0
    rows = []
    for limit in [*limits, np.full(n_theta, np.inf)]:
        here = area * (inside & (radius < limit))
        rows.append([here.sum(), (here * x).sum(), (here * y).sum()])
    return np.array(rows)


def least_wall(inner_xy: np.ndarray, outer_xy: np.ndarray) -> float:
    """Least distance between two point sets."""
    gap = inner_xy[:, None] - outer_xy[None]
    return float(np.sqrt(np.min(np.einsum("ijk,ijk->ij", gap, gap))))


def disc_sums(radius_by_ray, centre, lean, disc_radii, n=8192) -> tuple[np.ndarray, np.ndarray, float]:
    """Area of discs beyond a contour, angle beyond it, and least distance to the axis.

    radius_by_ray : (k,) the contour; centre : (2,) where the axis pierces; lean : (2,) in-plane part of its direction.
    """
    theta = np.arange(n) * 2 * np.pi / n
    r = finer(np.asarray(radius_by_ray), n)
    x, y = r * np.cos(theta) - centre[0], r * np.sin(theta) - centre[1]
    ds = np.sqrt(1.0 - lean[0] ** 2 - lean[1] ** 2)
    rho2 = x**2 + y**2 - (lean[0] * x + lean[1] * y) ** 2
    nx, ny = np.roll(x, -1), np.roll(y, -1)
    cross, middle = x * ny - y * nx, 0.5 * (rho2 + np.roll(rho2, -1))
    area = [0.5 * np.sum(cross * np.maximum(R**2 / middle - 1.0, 0.0)) for R in disc_radii]
    angle = [ds * np.sum(cross / middle * (middle < R**2)) for R in disc_radii]
    return np.array(area), np.array(angle), float(np.sqrt(rho2.min()))
