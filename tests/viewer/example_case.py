"""A bowed, oval right femur stump made of contours, its plan, and a CT painted from the same contours.

What a picture shows can then be checked against its pixels.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from sizing.anatomy import Bone, Side
from sizing.canal import Canal, CanalAxis
from sizing.findings import Finding, Level
from sizing.geometry import VolumeGeometry
from sizing.implants import load_catalogue
from sizing.planning import ImplantationPlan, PlanSettings, plan_canal
from sizing.record import Provenance
from sizing.volume import CtVolume, ScanInfo

BOW_RADIUS_MM = 1200.0
LENGTH_MM = 200.0
N_ANGLES = 64
CUT_AT_MM = 120.0
CORTEX_HU, MARROW_HU, MUSCLE_HU = 1500, -60, 50
PROVENANCE = Provenance("0.1.0", "ab" * 32, "cd" * 32)


def make_canal(side: Side = Side.RIGHT, step_mm: float = 2.0) -> Canal:
    """A shaft that bows forward, oval inside, narrowest 120 mm above the cut."""
    depth = np.arange(0.0, LENGTH_MM + 0.1, step_mm)
    a = (depth - LENGTH_MM / 2) / BOW_RADIUS_MM
    points = np.stack([0 * a + 5, -BOW_RADIUS_MM * (np.cos(a) - 1) - 20, BOW_RADIUS_MM * np.sin(a) - 300], axis=1)
    s = np.stack([0 * a, np.sin(a), np.cos(a)], axis=1)
    u = np.stack([0 * a, -np.cos(a), np.sin(a)], axis=1)
    axis = CanalAxis(depth, points, s, u, np.cross(s, u))
    theta = np.arange(N_ANGLES) * 2 * np.pi / N_ANGLES
    inner = 6.6 + 3.0 * ((depth - 120.0) / 120.0) ** 2
    inner = inner[:, None] * (1.0 + 0.10 * np.cos(2 * theta))
    inner += 0.02 * np.sin(5 * theta + depth[:, None] / 7.0)  # no bone is symmetric
    outer = inner.mean(axis=1)[:, None] + 5.9 - 1.0 * np.cos(theta - 2.5) - 1.6 * np.exp(-depth / 40.0)[:, None]
    return Canal(axis, theta, inner, outer, bone=Bone.FEMUR, side=side)


def make_volume(canal: Canal, spacing_mm: float = 0.8, margin_mm: float = 8.0) -> CtVolume:
    """Paint the canal's contours into a CT of axial slices, noise free."""
    corners = canal.contour_lps("periosteal").reshape(-1, 3)
    low, high = corners.min(axis=0) - margin_mm, corners.max(axis=0) + margin_mm
    shape = tuple(int(n) for n in np.ceil((high - low)[::-1] / spacing_mm))
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = spacing_mm, spacing_mm, spacing_mm, 1.0
    affine[:3, 3] = low
    z = low[2] + spacing_mm * np.arange(shape[0])
    a = canal.axis
    centre = np.stack([np.interp(z, a.points_lps[:, 2], a.points_lps[:, k]) for k in (0, 1)], axis=1)
    level = np.clip(np.round(np.interp(z, a.points_lps[:, 2], np.arange(len(a)))).astype(int), 0, len(a) - 1)
    dx = low[0] + spacing_mm * np.arange(shape[2])[None, None, :] - centre[:, 0, None, None]
    dy = low[1] + spacing_mm * np.arange(shape[1])[None, :, None] - centre[:, 1, None, None]
    k = np.round(np.arctan2(dx, -dy) % (2 * np.pi) / (2 * np.pi / N_ANGLES)).astype(int) % N_ANGLES
    radius = np.hypot(dx, dy)
    inside = ((z > a.points_lps[0, 2]) & (z < a.points_lps[-1, 2]))[:, None, None]
    marrow = inside & (radius < canal.endosteal_radius_mm[level[:, None, None], k])
    bone = inside & (radius < canal.periosteal_radius_mm[level[:, None, None], k])
    hu = np.where(marrow, MARROW_HU, np.where(bone, CORTEX_HU, MUSCLE_HU)).astype(np.int16)
    return CtVolume(hu, VolumeGeometry(shape, affine), scan_info())


def scan_info() -> ScanInfo:
    """Facts of an invented scan."""
    return ScanInfo(series_uid="1.2.826.0.1.3680043.99.12345", study_date="20260114", pseudonym="CASE-0042",
                    slice_thickness_mm=1.0, kernel="B60s")  # fmt: skip


@cache
def make_plan(side: Side = Side.RIGHT, family: str = "generic-pressfit-straight") -> ImplantationPlan:
    """Plan the invented canal with one family, and add a finding that stands at a place."""
    settings = PlanSettings(
        bone=Bone.FEMUR, side=side, resect_at_mm=CUT_AT_MM, families=(family,), max_stem_length_mm=140.0
    )
    plan = plan_canal(make_canal(side), load_catalogue(), settings)
    finding = Finding(Level.WARNING, "CF-C101", "the wall is thin over 18 mm, before any reaming", "Check the cut",
                      9.0, "posterolateral")  # fmt: skip
    return replace(plan, scan=scan_info(), findings=(*plan.findings, finding))


def cut_again(settings: PlanSettings) -> ImplantationPlan:
    """The plan after another cut, ``settings.resect_at_mm``: the canal begins at the first level above it."""
    whole = make_canal()
    first = round((settings.resect_at_mm - CUT_AT_MM) / 2.0)
    a = whole.axis
    axis = CanalAxis(a.depth_mm[first:] - a.depth_mm[first], a.points_lps[first:], a.s_lps[first:], a.u_lps[first:],
                     a.v_lps[first:])  # fmt: skip
    canal = Canal(axis, whole.theta_rad, whole.endosteal_radius_mm[first:], whole.periosteal_radius_mm[first:],
                  bone=whole.bone, side=whole.side)  # fmt: skip
    return replace(plan_canal(canal, load_catalogue(), settings), scan=scan_info())


@cache
def make_case() -> tuple[ImplantationPlan, CtVolume]:
    """The plan and its scan."""
    plan = make_plan()
    return plan, make_volume(plan.canal)


def without_choice(plan: ImplantationPlan) -> ImplantationPlan:
    """The same plan when no implant can serve."""
    fits = tuple(replace(f, rejected=("leaves 1.1 mm of wall 140 mm above the cut; the limit is 2.0 mm",), reamed=None)
                 for f in plan.fits)  # fmt: skip
    return replace(plan, chosen=None, neighbours=(), fits=fits, astray=None, size=None, graft=None)
