"""The axis search against answers known on paper, and against brute force."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from sizing.canal import Canal, CanalAxis
from sizing.fit import FitSettings, Objective, fit_context
from sizing.fit.placement import Placer, place_axis
from sizing.fit.search import Task, clearance_mm, entered_at_cut
from sizing.reaming import ToolAxis

# The optimum itself, without the preference for the middle of the canal.
OPTIMUM = FitSettings(axis_gain_mm=0.0)
CASES = {
    c["id"]: c
    for c in json.loads((Path(__file__).parent.parent / "data" / "analytic_cases.json").read_text())["cases"]
    if c["kind"] == "max_inscribed_cylinder"
}


def bowed_canal(
    a: float, b: float, bow_radius_mm: float, length_mm: float, make_ellipse, wall_mm: float = 6.0
) -> Canal:
    """Sections across a circular centre line that starts along z and bends towards +x; a lies in the bow's plane."""
    z, n = np.linspace(0.0, length_mm, int(length_mm) + 1), 128
    angle = z / bow_radius_mm
    zero = np.zeros_like(z)
    s = np.stack([np.sin(angle), zero, np.cos(angle)], axis=-1)
    u = np.stack([np.cos(angle), zero, -np.sin(angle)], axis=-1)
    points = bow_radius_mm * np.stack([1 - np.cos(angle), zero, np.sin(angle)], axis=-1)
    axis = CanalAxis(z, points, s, u, np.cross(s, u))
    inner, outer = make_ellipse(a, b, n), make_ellipse(a + wall_mm, b + wall_mm, n)
    return Canal.from_sections(z, [inner] * len(z), [outer] * len(z), axis=axis, n_angles=n)


def wavy_canal(seed: int, make_ellipse) -> Canal:
    """An irregular canal with an irregular wall: nothing about it is symmetric."""
    rng = np.random.default_rng(seed)
    z, n = np.arange(0.0, 101.0, 2.0), 64
    inner, outer = [], []
    for t in z / 100.0:
        rot = 40.0 * t
        cx, cy = 1.5 * np.sin(2.5 * t + seed), 1.2 * np.cos(3.0 * t)
        inner.append(make_ellipse(7.0 + t * t, 6.0 + 0.3 * np.sin(5 * t), n, rot_deg=rot, cx=cx, cy=cy))
        wall = 4.5 + rng.uniform(-0.3, 0.3)
        outer.append(make_ellipse(7.6 + wall + t, 6.4 + wall, n, rot_deg=rot, cx=0.7 * cx, cy=cy))
    return Canal.from_sections(z, inner, outer, n_angles=n)


def task_of(placer: Placer, surface: str) -> Task:
    contours = placer.context.contours
    points = contours.endosteal_lps if surface == "endosteal" else contours.periosteal_lps
    return Task(placer.context.canal, placer.length_mm, points, np.zeros(points.shape[:2]), 10.0)


@pytest.mark.parametrize("name", CASES)
def test_widest_straight_cylinder_of_the_reference(name: str, make_ellipse) -> None:
    # Closed form for a cylinder that must stay inside for 0 <= z <= L along the chord. The centre line is
    # placed so that its apex is at L/2, as in the case; the cut is square to the chord.
    case, expected = CASES[name]["inputs"], CASES[name]["expected"]
    a, b = case["canal"]["a_in_bow_plane"], case["canal"]["b"]
    radius, length = case["bow_radius"], case["length"]
    half = np.arcsin((length / 2 + 20) / radius)
    angle = np.linspace(-half, half, 321)
    zero = np.zeros_like(angle)
    points = np.stack([radius * (np.cos(angle) - 1), zero, length / 2 + radius * np.sin(angle)], axis=-1)
    s = np.stack([-np.sin(angle), zero, np.cos(angle)], axis=-1)
    u = np.stack([np.cos(angle), zero, np.sin(angle)], axis=-1)
    axis = CanalAxis(radius * (angle - angle[0]), points, s, u, np.cross(s, u))
    n = len(angle)
    canal = Canal.from_sections(
        axis.depth_mm, [make_ellipse(a, b, 256)] * n, [make_ellipse(a + 6, b + 6, 256)] * n, axis=axis, n_angles=256
    )
    from sizing.geometry import Plane

    canal = replace(canal, resection=Plane([0.0, 0.0, 0.0], [0.0, 0.0, 1.0]))
    placer = Placer(fit_context(canal, settings=OPTIMUM), length, None)
    found = clearance_mm(task_of(placer, "endosteal"), placer.follows_canal)
    assert 2 * found == pytest.approx(expected["max_cylinder_diameter"], abs=0.005)


def test_bowed_stem_finds_the_canals_own_bow(make_ellipse) -> None:
    canal = bowed_canal(7.0, 7.0, 900.0, 160.0, make_ellipse)
    placer = Placer(fit_context(canal, settings=OPTIMUM), 140.0, 900.0)
    axis = placer.follows_canal
    assert clearance_mm(task_of(placer, "endosteal"), axis) == pytest.approx(7.0, abs=0.005)
    np.testing.assert_allclose(axis.entry_lps, 0.0, atol=0.02)
    np.testing.assert_allclose(axis.bow_centre_lps, [1.0, 0.0, 0.0], atol=0.01)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("surface", ["endosteal", "periosteal"])
@pytest.mark.parametrize("bow", [None, 900.0])
def test_no_axis_of_a_grid_is_better(seed: int, surface: str, bow: float | None, make_ellipse) -> None:
    canal = wavy_canal(seed, make_ellipse)
    placer = Placer(fit_context(canal, settings=OPTIMUM), 90.0, bow)
    task = task_of(placer, surface)
    found = placer.follows_canal if surface == "endosteal" else placer.spares_wall
    best = clearance_mm(task, found)
    # A coarse grid over everything that is possible, every turn of the bow included …
    wide = np.linspace(-2.5, 2.5, 5)
    turns = np.arange(12) * np.pi / 6 if bow else [0.0]
    coarse = max(clearance_mm(task, pose(canal, *p, bow)) for p in product(wide, wide, wide, wide, turns))
    assert coarse <= best + 0.005
    # … and a fine one about the answer: no neighbour is better by more than the search's own step.
    fine = np.array([-0.2, -0.05, 0.0, 0.05, 0.2])
    near = max(clearance_mm(task, nudged(found, *p)) for p in product(fine, fine, fine, fine))
    assert near <= best + 0.005


def pose(canal: Canal, x: float, y: float, tip_x: float, tip_y: float, turn: float, bow: float | None) -> ToolAxis:
    direction = np.array([(tip_x - x) / 90.0, (tip_y - y) / 90.0, 1.0])
    if bow is None:
        return ToolAxis([x, y, 0.0], direction)
    centre = np.array([np.cos(turn), np.sin(turn), 0.0])
    leaning = ToolAxis(np.array([x, y, 0.0]) + 0.75 * centre, direction - 0.05 * centre, bow, centre)
    return entered_at_cut(canal, leaning)


def nudged(axis: ToolAxis, x: float, y: float, tip_x: float, tip_y: float) -> ToolAxis:
    shift = np.array([x, y, 0.0])
    tilt = np.array([tip_x - x, tip_y - y, 0.0]) / 90.0
    return ToolAxis(axis.entry_lps + shift, axis.direction_lps + tilt, axis.bow_radius_mm, axis.bow_centre_lps)


def test_tilt_limit_holds(make_ellipse) -> None:
    # The canal leans 6 degrees against the cut's normal; only 4 are allowed.
    z, n = np.arange(0.0, 121.0), 64
    middle = np.stack([np.tan(np.deg2rad(6)) * z, 0 * z, z], axis=-1)
    frames = (np.tile(v, (len(z), 1)) for v in np.eye(3)[[2, 0, 1]])
    inner, outer = [make_ellipse(8, 8, n)] * len(z), [make_ellipse(14, 14, n)] * len(z)
    canal = Canal.from_sections(z, inner, outer, n_angles=n, axis=CanalAxis(z, middle, *frames))
    free = Placer(fit_context(canal), 60.0, None).follows_canal
    assert np.degrees(np.arctan(free.direction_lps[0] / free.direction_lps[2])) == pytest.approx(6.0, abs=0.05)
    held = Placer(fit_context(canal, settings=FitSettings(max_tilt_deg=4.0)), 60.0, None).follows_canal
    tilt = np.degrees(np.arccos(held.direction_lps[2]))
    assert 3.6 < tilt <= 4.0 + 1e-6  # the cone is cut by an octagon inside it


def test_objectives_differ_where_canal_and_bone_are_not_concentric(make_ellipse, make_stem) -> None:
    # Canal of 12 mm, 2 mm off the middle of a bone of 26 mm.
    z, n = np.arange(0.0, 151.0), 128
    canal = Canal.from_sections(
        z, [make_ellipse(6, 6, n, cx=2.0)] * len(z), [make_ellipse(13, 13, n)] * len(z), n_angles=n
    )

    def entry(objective: Objective, diameter: float, **settings: float) -> float:
        context = fit_context(canal, settings=FitSettings(objective=objective, **settings))
        implant = make_stem(diameter, 120.0)
        return float(Placer(context, 120.0, None).axis(implant).entry_lps[0])

    assert entry(Objective.CANAL, 14.0) == pytest.approx(2.0, abs=0.01)
    assert entry(Objective.WALL, 14.0) == pytest.approx(0.0, abs=0.01)
    # On the canal's axis a 13 mm stem leaves 4.5 mm: comfortable, so it follows the canal.
    assert entry(Objective.BALANCED, 13.0) == pytest.approx(2.0, abs=0.01)
    # A 15.5 mm stem would leave 3.25 mm there; half-way to the middle it leaves 4.25 mm.
    assert entry(Objective.BALANCED, 15.5) == pytest.approx(1.0, abs=0.01)
    # A 20 mm stem leaves 3 mm at best: all for the wall.
    assert entry(Objective.BALANCED, 20.0) == pytest.approx(0.0, abs=0.01)


def test_a_zone_that_asks_for_more_wall_gets_more(make_ellipse) -> None:
    # A straight stem in a bowed bone gives up as much wall at its ends as in its middle;
    # asking for 1 mm more at the tip moves it towards the bone's middle there.
    canal = bowed_canal(7.0, 7.0, 900.0, 150.0, make_ellipse)
    plain = fit_context(canal, settings=FitSettings(objective=Objective.WALL))
    tip = fit_context(canal, settings=FitSettings(objective=Objective.WALL, tip_wall_limit_mm=3.0))

    def tip_distance(context) -> float:
        axis = Placer(context, 120.0, None).spares_wall
        points = context.contours.periosteal_lps[110:121].reshape(-1, 3) - axis.entry_lps
        return float(np.linalg.norm(np.cross(points, axis.direction_lps), axis=1).min())

    assert tip_distance(tip) > tip_distance(plain) + 0.1


def noisy_oval(seed: int, noise_mm: float, ellipse) -> Canal:
    """A straight oval tube, semi-axes 10 and 8 mm, outside 15 and 13 mm, with noise on every ray of both."""
    random = np.random.default_rng(seed)
    z = np.arange(0.0, 150.5)

    def rough(a: float, b: float) -> list[np.ndarray]:
        return [ellipse(a, b, 128) * (1 + noise_mm / a * random.standard_normal((128, 1))) for _ in z]

    return Canal.from_sections(z, rough(10.0, 8.0), rough(15.0, 13.0), n_angles=128)


@pytest.mark.parametrize("noise_mm", [0.0, 0.03])
@pytest.mark.parametrize("objective", list(Objective))
def test_in_an_oval_the_stem_stands_in_the_middle(
    noise_mm: float, objective: Objective, make_stem, make_ellipse
) -> None:
    """Clearance falls by only 0.01 mm for 0.3 mm off the centre along the long side: b sqrt(1 - x²/(a² - b²)).

    Tolerance: what 0.05 mm of clearance is worth there is 0.67 mm; the noise of 128 x 120 rays moves the
    centre line by less than 0.01 mm, and nothing may pull the stem away from it.
    """
    context = fit_context(noisy_oval(1, noise_mm, make_ellipse), settings=FitSettings(objective=objective))
    axis = place_axis(context, make_stem(17.0, 120.0))
    ends = np.stack([axis.point_at(0.0), axis.point_at(120.0)])
    assert np.abs(ends[:, :2]).max() < 0.1


def test_an_axis_moves_for_a_gain_that_is_real(make_stem, make_ellipse) -> None:
    """A tube whose outside lies 2 mm off its inside: sparing the wall moves the axis by nearly all of it."""
    z = np.arange(0.0, 150.5)
    inner, outer = [make_ellipse(8.0, 8.0, 128)] * len(z), [make_ellipse(12.0, 12.0, 128, cx=2.0)] * len(z)
    canal = Canal.from_sections(z, inner, outer, n_angles=128)
    context = fit_context(canal, settings=FitSettings(objective=Objective.WALL))
    axis = place_axis(context, make_stem(17.0, 120.0))
    assert 1.8 < axis.point_at(60.0)[0] <= 2.0 + 1e-6
