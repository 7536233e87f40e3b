"""A plan built by hand, without the other rooms: a bowed, oval right femur stump and a straight stem in it.

The numbers of the plan are marked as such (round, easy to find again on a page); the CT is painted
from the same contours, so that what is drawn on a picture can be checked against its pixels.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from sizing.anatomy import Bone, Side
from sizing.canal.model import Canal, CanalAxis
from sizing.findings import Finding, Level
from sizing.fit.model import Fit, Placement, Score, ZoneFit
from sizing.geometry import VolumeGeometry
from sizing.implants.model import Fixation, ImplantTemplate, Preparation, Provenance
from sizing.planning import ImplantationPlan, PlanSettings
from sizing.reaming.model import PassResult, ReamedCanal, Reamer, ReamerPass, ReamingPlan, ToolAxis
from sizing.volume import CtVolume, ScanInfo

BOW_RADIUS_MM = 1200.0
LENGTH_MM = 200.0
N_ANGLES = 64


def make_canal(side: Side = Side.RIGHT, step_mm: float = 2.0) -> Canal:
    """A shaft that bows forward, oval inside, narrowest 120 mm above the cut."""
    depth = np.arange(0.0, LENGTH_MM + 0.1, step_mm)
    a = (depth - LENGTH_MM / 2) / BOW_RADIUS_MM
    points = np.stack([0 * a + 5, -BOW_RADIUS_MM * (np.cos(a) - 1) - 20, BOW_RADIUS_MM * np.sin(a) - 300], axis=1)
    s = np.stack([0 * a, np.sin(a), np.cos(a)], axis=1)
    u = np.stack([0 * a, -np.cos(a), np.sin(a)], axis=1)
    axis = CanalAxis(depth, points, s, u, np.cross(s, u))
    theta = np.arange(N_ANGLES) * 2 * np.pi / N_ANGLES
    inner = 7.3 + 3.0 * ((depth - 120.0) / 120.0) ** 2
    inner = inner[:, None] * (1.0 + 0.10 * np.cos(2 * theta))
    outer = inner.mean(axis=1)[:, None] + 5.9 - 1.0 * np.cos(theta - 2.5) - 1.6 * np.exp(-depth / 40.0)[:, None]
    return Canal(axis, theta, inner, outer, bone=Bone.FEMUR, side=side)


def make_volume(canal: Canal, spacing_mm: float = 0.8, margin_mm: float = 8.0) -> CtVolume:
    """Paint the canal's contours into a CT: fat-like marrow, cortex 1500 HU, muscle 50 HU, thigh in air."""
    corners = canal.contour_lps("periosteal").reshape(-1, 3)
    low, high = corners.min(axis=0) - margin_mm, corners.max(axis=0) + margin_mm
    shape = tuple(int(n) for n in np.ceil((high - low)[::-1] / spacing_mm))
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = spacing_mm, spacing_mm, spacing_mm, 1.0
    affine[:3, 3] = low
    geometry = VolumeGeometry(shape, affine)
    z = low[2] + spacing_mm * np.arange(shape[0])
    a = canal.axis
    centre = np.stack([np.interp(z, a.points_lps[:, 2], a.points_lps[:, k]) for k in (0, 1)], axis=1)
    level = np.clip(np.round(np.interp(z, a.points_lps[:, 2], np.arange(len(a)))).astype(int), 0, len(a) - 1)
    x = low[0] + spacing_mm * np.arange(shape[2])
    y = low[1] + spacing_mm * np.arange(shape[1])
    dx = x[None, None, :] - centre[:, 0, None, None]
    dy = y[None, :, None] - centre[:, 1, None, None]
    turn = np.arctan2(dx, -dy) % (2 * np.pi)
    k = np.round(turn / (2 * np.pi / N_ANGLES)).astype(int) % N_ANGLES
    radius = np.hypot(dx, dy)
    inner = canal.endosteal_radius_mm[level[:, None, None], k]
    outer = canal.periosteal_radius_mm[level[:, None, None], k]
    inside = ((z > a.points_lps[0, 2]) & (z < a.points_lps[-1, 2]))[:, None, None]
    ct = np.where(inside & (radius < inner), -60, np.where(inside & (radius < outer), 1500, 50))
    noise = np.random.default_rng(7).normal(0.0, 25.0, shape)
    return CtVolume((ct + noise).astype(np.int16), geometry, ScanInfo(series_uid="1.2.826.0.1.3680043.99.12345",
                    study_date="20260114", pseudonym="CASE-0042", slice_thickness_mm=1.0, kernel="B60s"))  # fmt: skip


def tool_axis(canal: Canal) -> ToolAxis:
    """A straight axis that meets the canal at the cut and 140 mm above."""
    p = canal.axis.points_lps
    top = p[int(np.argmin(abs(canal.axis.depth_mm - 140.0)))]
    return ToolAxis(p[0] - (0.0, 1.0, 0.0), top - p[0])


def bore(canal: Canal, axis: ToolAxis, diameter_mm: float, depth_mm: float) -> np.ndarray:
    """Radius (m, n) of a straight cylinder along the canal's rays; 0 beyond its depth."""
    d = axis.direction_lps
    ray = (np.cos(canal.theta_rad)[None, :, None] * canal.axis.u_lps[:, None]
           + np.sin(canal.theta_rad)[None, :, None] * canal.axis.v_lps[:, None])  # fmt: skip
    q = canal.axis.points_lps - axis.entry_lps
    q = q - (q @ d)[:, None] * d
    r = ray - (ray @ d)[..., None] * d
    a, b = (r * r).sum(-1), (q[:, None] * r).sum(-1)
    c = ((q * q).sum(-1) - (diameter_mm / 2) ** 2)[:, None]
    root = (-b + np.sqrt(np.maximum(b * b - a * c, 0.0))) / a
    travel = (canal.axis.points_lps - axis.entry_lps) @ d
    return np.where((travel <= depth_mm)[:, None], root, 0.0)


def ream_by_hand(canal: Canal, axis: ToolAxis, diameters: np.ndarray, depth_mm: float) -> ReamedCanal:
    """Passes of a rigid reamer, with radial walls: enough to draw, not to plan."""
    hole = canal.endosteal_radius_mm.copy()
    results, first = [], None
    for diameter in diameters:
        tool = bore(canal, axis, float(diameter), depth_mm)
        grown = np.maximum(hole, tool)
        cut = 0.5 * (grown**2 - hole**2).sum(axis=1) * (2 * np.pi / N_ANGLES)
        contact = tool > canal.endosteal_radius_mm
        wall = canal.periosteal_radius_mm - grown
        i, j = np.unravel_index(int(np.argmin(wall)), wall.shape)
        touched = canal.axis.depth_mm[contact.any(axis=1)]
        if first is None and len(touched):
            first = (float(diameter), float(touched[0]))
        a_pass = ReamerPass(Reamer(float(diameter)), axis, depth_mm)
        results.append(PassResult(a_pass, float(cut.sum() * 2.0), 0.0, 300.0, 0.0, cut, contact.mean(axis=1), contact,
                                  wall, float(wall[i, j]), float(canal.axis.depth_mm[i]), float(canal.theta_rad[j]),
                                  float(touched[0]) if len(touched) else None, 100.0, False))  # fmt: skip
        hole = grown
    plan = ReamingPlan(tuple(r.reamer_pass for r in results))
    return ReamedCanal(canal, plan, tuple(results), hole, *(first or (None, None)))


def make_stem(diameter_mm: float = 16.0, length_mm: float = 140.0, **changes: object) -> ImplantTemplate:
    """A straight stem with a rounded tip and a collar."""
    r, n = diameter_mm / 2, 6
    t = np.linspace(0, np.pi / 2, n)
    tip = np.stack([length_mm - r + r * np.sin(t), np.maximum(r * np.cos(t), 1e-9)], axis=1)
    profile = np.vstack([[0.0, r], tip])
    base = ImplantTemplate("generic-pressfit-straight", f"GPS-{diameter_mm:g}-{length_mm:g}", Fixation.PRESS_FIT,
                           diameter_mm, length_mm, profile, Preparation.LINE_TO_LINE,
                           Provenance("test", "generic", "2026-01-01"), collar_diameter_mm=26.0)  # fmt: skip
    return dataclasses.replace(base, **changes)


def make_fit(canal: Canal, diameter_mm: float, lost_because: str = "", rejected: tuple[str, ...] = ()) -> Fit:
    """One fit whose numbers follow from the hand-made reaming."""
    axis, stem = tool_axis(canal), make_stem(diameter_mm)
    reamed = ream_by_hand(canal, axis, np.arange(8.0, diameter_mm + 0.1, 0.5), stem.length_mm)
    last = reamed.passes[-1]
    x = np.cross([0.0, -1.0, 0.0], axis.direction_lps)
    x /= np.linalg.norm(x)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([x, np.cross(axis.direction_lps, x), axis.direction_lps], axis=1)
    pose[:3, 3] = axis.entry_lps
    fill = (diameter_mm / 2) ** 2 / (canal.endosteal_radius_mm**2).mean(axis=1)
    fill = np.where(canal.axis.depth_mm <= stem.length_mm, np.minimum(fill, 1.0), np.nan)
    zones = tuple(
        ZoneFit(name, low, high, share, fill_share, 400.0, 0.0, wall)
        for name, low, high, share, fill_share, wall in (
            ("collar", 0.0, 20.0, 0.21, 0.74, 3.1),
            ("distal third", 0.0, 46.7, 0.35, 0.80, 3.0),
            ("middle third", 46.7, 93.3, 0.71, 0.93, 2.9),
            ("proximal third", 93.3, 140.0, 0.88, 0.97, last.wall_min_mm),
            ("tip", 120.0, 140.0, 0.92, 0.98, last.wall_min_mm),
        )
    )
    fields = dict(
        implant=stem, placement=Placement(pose, axis), reamed=reamed, zones=zones, contact_share=0.62,
        fill_by_level=fill, canal_fill_volume=0.91, gap_mm3=3100.0, graft_mm3=reamed.harvested_cortical_mm3,
        diametral_interference_mm=0.0, wall_min_mm=last.wall_min_mm, wall_min_depth_mm=last.wall_min_depth_mm,
        wall_min_direction="anterolateral", wall_min_tip_mm=last.wall_min_mm, wall_min_collar_mm=3.1,
        native_wall_min_mm=3.4, tip_to_isthmus_mm=20.0, protrusion_mm=0.0,
        score=Score(100.0 - 4 * abs(diameter_mm - 16.0), (("contact", 0.62, 1.0),)), rejected=rejected,
        lost_because=lost_because, reaming_plan=reamed.plan, findings=(),
    )  # fmt: skip
    known = {f.name for f in dataclasses.fields(Fit)}
    return Fit(**{name: value for name, value in fields.items() if name in known})


def make_plan(side: Side = Side.RIGHT, *, chosen: bool = True) -> ImplantationPlan:
    """The whole plan; without a choice, every implant carries its reason."""
    canal = make_canal(side)
    best = make_fit(canal, 16.0)
    down = make_fit(canal, 15.5, "less contact in the middle third (48 % against 71 %)")
    up = make_fit(canal, 16.5, rejected=("leaves 1.7 mm of wall 140 mm above the cut, anterolateral; the limit is 2.0 mm",))
    findings = (
        Finding(Level.WARNING, "CF-C101", "The wall is thinner than 3 mm over 18 mm near the cut, before any reaming",
                "Check the level of the cut", 9.0, "posterolateral"),
        Finding(Level.INFO, "CF-S004", "The cut is virtual: the scan shows the whole bone"),
    )  # fmt: skip
    scan = ScanInfo(series_uid="1.2.826.0.1.3680043.99.12345", study_date="20260114", pseudonym="CASE-0042",
                    slice_thickness_mm=1.0, kernel="B60s")  # fmt: skip
    return ImplantationPlan(PlanSettings(bone=Bone.FEMUR, side=side, resect_at_mm=120.0), scan, None, canal,
                            best if chosen else None, (best, down, up), (down, up), "2026.1", "ab" * 32, findings)  # fmt: skip
