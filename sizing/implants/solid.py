"""A stem as a watertight triangle mesh in the implant frame, mm, with its deviation from the design measured."""

from __future__ import annotations

import re
import uuid
import zipfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sizing.errors import InputError
from sizing.geometry import FloatArray
from sizing.implants.model import ImplantTemplate
from sizing.implants.shape import StemShape

if TYPE_CHECKING:
    import trimesh

# A chord of 1/360 turn leaves r * 3.8e-5: 0.0005 mm at 12 mm radius, 0.005 % of an area.
MESH_ANGLES = 360
# Stations no further apart than this keep the chord of a 600 mm bow within 0.001 mm.
MESH_STEP_MM = 2.0
# No point of a mesh may lie further from the design than this.
DEVIATION_LIMIT_MM = 0.01
# Angles or stations are doubled up to this many times as many; doubling quarters what chords leave.
_FINEST = 8
_DEVIATION_SAMPLES = 5_000
_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# Directions in which a section is looked at for a hole's ends: 0.02 mm apart on a stem of 12 mm radius.
_CHORD_ANGLES = 3600


@dataclass(frozen=True, slots=True)
class Collar:
    """A disc on the facing plane, outside the bone."""

    diameter_mm: float
    thickness_mm: float


@dataclass(frozen=True, slots=True)
class ScrewHole:
    """A cylindrical hole across the stem.

    Attributes
    ----------
    station_mm : float
        Where its axis crosses the stem's axis.
    direction_deg : float
        Direction of its axis in the section, from x.
    diameter_mm : float
    """

    station_mm: float
    direction_deg: float
    diameter_mm: float


@dataclass(frozen=True)
class StemSolid:
    """What is made: the stem's sections, a collar, and holes."""

    shape: StemShape
    collar: Collar | None = None
    holes: tuple[ScrewHole, ...] = ()

    def __post_init__(self) -> None:
        phi = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        if self.collar is not None:
            widest = float(self.shape.radius_mm([0.0], phi).max())
            if self.collar.diameter_mm / 2 <= widest or self.collar.thickness_mm <= 0:
                raise InputError(
                    "CF-I034",
                    "the collar does not cover the stem's first section",
                    where="collar",
                    measured=f"diameter {self.collar.diameter_mm:g} mm, thickness {self.collar.thickness_mm:g} mm",
                    expected=f"diameter above {2 * widest:.2f} mm, thickness above 0",
                )
        for hole in self.holes:
            inside = hole.diameter_mm / 2 <= hole.station_mm <= self.shape.length_mm - hole.diameter_mm / 2
            thin = float(np.nanmin(self.shape.radius_mm([np.clip(hole.station_mm, 0, self.shape.length_mm)], phi)))
            if not inside or not 0 < hole.diameter_mm < thin:
                raise InputError(
                    "CF-I035",
                    "a screw hole cannot be made",
                    where=f"hole at {hole.station_mm:g} mm",
                    measured=f"diameter {hole.diameter_mm:g} mm",
                    expected=f"within the stem and below half its width there ({thin:.2f} mm)",
                )

    @property
    def volume_mm3(self) -> float:
        """Volume by integration of the section table, collar added and holes taken off."""
        volume = self.shape.volume_mm3
        if self.collar is not None:
            volume += np.pi / 4 * self.collar.diameter_mm**2 * self.collar.thickness_mm
        return volume - sum(_hole_volume_mm3(self.shape, hole) for hole in self.holes)


def implant_solid(implant: ImplantTemplate) -> StemSolid:
    """Return the solid of an implant of the catalogue; threads are drawn as their crest cylinder."""
    collar = None
    if implant.collar_diameter_mm is not None:
        collar = Collar(implant.collar_diameter_mm, implant.collar_thickness_mm)
    return StemSolid(implant.stem_shape, collar)


def _hole_volume_mm3(shape: StemShape, hole: ScrewHole) -> float:
    """Volume of a hole: the stem's chord length integrated over the hole's disc.

    The bow over one hole's diameter is below 0.01 mm and is left out.
    """
    nodes, weights = np.polynomial.legendre.leggauss(48)
    radius = hole.diameter_mm / 2
    half = radius * np.sqrt(1 - nodes**2)  # half width of the disc at the station offset radius * node
    total = 0.0
    for station, across, w in zip(hole.station_mm + radius * nodes, half[:, None] * nodes, weights * half, strict=True):
        high, low = _chord_mm(shape, hole, station, across)
        total += w * radius * float(((high - low) * weights).sum())
    return total


def _chord_mm(
    shape: StemShape, hole: ScrewHole, station_mm: float, across_mm: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Where lines along a hole's axis, beside it by ``across_mm`` (n,), leave and enter the section at a station."""
    phi, direction = np.arange(_CHORD_ANGLES) * (2 * np.pi / _CHORD_ANGLES), np.deg2rad(hole.direction_deg)
    r = shape.radius_mm([station_mm], phi)[0]
    along, side = r * np.cos(phi - direction), r * np.sin(phi - direction)
    ends = []
    for half in (along > 0, along <= 0):
        order = np.argsort(side[half])
        ends.append(np.interp(across_mm, side[half][order], along[half][order]))
    return ends[0], ends[1]


def hole_mouths_mm(shape: StemShape, hole: ScrewHole, points: int = 72) -> FloatArray:
    """Return the two rims (2, points, 3) of a hole on the stem's surface, in the implant frame."""
    turn = np.arange(points) * (2 * np.pi / points)
    station = hole.station_mm + 0.5 * hole.diameter_mm * np.cos(turn)
    across, direction = 0.5 * hole.diameter_mm * np.sin(turn), np.deg2rad(hole.direction_deg)
    ends = [_chord_mm(shape, hole, s, q[None]) for s, q in zip(station, across, strict=True)]
    along = np.array(ends)[..., 0].T
    x = along * np.cos(direction) - across * np.sin(direction)
    y = along * np.sin(direction) + across * np.cos(direction)
    return shape.placed_mm(np.broadcast_to(station, x.shape), x, y)


def mesh_stations_mm(shape: StemShape, step_mm: float = MESH_STEP_MM) -> FloatArray:
    """Return the stations where the surface may kink, with steps of at most ``step_mm`` put between them."""
    pieces = [
        np.linspace(low, high, max(1, int(np.ceil((high - low) / step_mm))), endpoint=False)
        for low, high in pairwise(shape.breaks_mm)
    ]
    return np.append(np.concatenate(pieces), shape.length_mm)


# float32 holds 140 mm to 1.5e-5 mm; a sliver of this width is ten times that, and a hundredth of the deviation allowed.
_SLIVER_MM = 1e-4


def solid_mesh(solid: StemSolid) -> trimesh.Trimesh:
    """Return the solid as a watertight mesh, outward normals, implant frame, mm.

    Raises
    ------
    InputError
        CF-I036 if the result is not a closed body without self-intersections (checked with manifold3d where holes are
        cut), CF-I037 if no mesh of a size that can be handled keeps within DEVIATION_LIMIT_MM of the design.
    """
    import trimesh

    angles, step_mm = fine_enough(solid.shape)
    vertices, faces = _rings_to_mesh(_rings(solid, angles, step_mm))
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    if solid.holes:
        bores = [_bore(solid.shape, hole) for hole in solid.holes]
        mesh = _without_slivers(trimesh.boolean.difference([mesh, *bores], engine="manifold"))
    if not (mesh.is_watertight and mesh.is_winding_consistent and mesh.volume > 0):
        raise InputError("CF-I036", "the solid is not closed", where="implant mesh",
                         advice="Check holes and section table")  # fmt: skip
    return mesh


def _without_slivers(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    """Facets that are thinner than an STL's float32 can hold would collapse in the file: merge them here, exactly."""
    import manifold3d
    import trimesh

    body = manifold3d.Manifold(manifold3d.Mesh64(mesh.vertices, mesh.faces.astype(np.uint64)))
    clean = body.simplify(_SLIVER_MM).to_mesh64()
    return trimesh.Trimesh(clean.vert_properties[:, :3], clean.tri_verts.astype(np.int64), process=False)


def fine_enough(shape: StemShape) -> tuple[int, float]:
    """Return how many angles and which step, mm, keep a mesh of chords within DEVIATION_LIMIT_MM of the design.

    Round the stem, high ribs and sharp ends of a section need more angles than its size does; along it, a bow or a
    section that turns needs more stations.

    Raises
    ------
    InputError
        CF-I037 if the finest mesh does not.
    """
    finer_round = finer_along = 1
    while max(finer_round, finer_along) <= _FINEST:
        angles, step_mm = finer_round * MESH_ANGLES, MESH_STEP_MM / finer_along
        round_mm, along_mm = _chord_errors_mm(shape, angles, step_mm)
        if round_mm + along_mm <= DEVIATION_LIMIT_MM:
            return angles, step_mm
        if round_mm >= along_mm:
            finer_round *= 2
        else:
            finer_along *= 2
    raise InputError(
        "CF-I037",
        "no mesh of a size that can be handled follows this stem",
        where="implant mesh",
        measured=f"{round_mm:.3f} mm off round the stem, {along_mm:.3f} mm along it",
        expected=f"together at most {DEVIATION_LIMIT_MM:g} mm",
        advice="Choose fewer or lower splines, or a rounder section",
    )


def _chord_errors_mm(shape: StemShape, angles: int, step_mm: float) -> tuple[float, float]:
    """Largest distances of the middles of chords, round and along the stem, from the design's points there.

    A facet is flat between its corners: what lies inside deviates by no more than the two together. Chords that cross
    a quadrangle carry its twist, which is told along the stem.
    """
    stations = mesh_stations_mm(shape, step_mm)
    between = 0.5 * (stations[:-1] + stations[1:])
    phi = np.arange(angles) * (2 * np.pi / angles)
    half = phi + np.pi / angles
    corners = shape.points_mm(stations, phi)
    turned = np.roll(corners, -1, axis=1)

    def off(ends: FloatArray, others: FloatArray, design: FloatArray) -> FloatArray:
        return np.linalg.norm(0.5 * (ends + others) - design, axis=-1)

    round_off = off(corners, turned, shape.points_mm(stations, half))
    along_off = off(corners[:-1], corners[1:], shape.points_mm(between, phi))
    across_off = off(corners[:-1], turned[1:], shape.points_mm(between, half))
    twist = across_off - np.maximum(round_off[:-1], round_off[1:])
    return float(round_off.max()), float(max(along_off.max(), twist.max()))


def _rings(solid: StemSolid, angles: int, step_mm: float) -> list[FloatArray]:
    phi = np.arange(angles) * (2 * np.pi / angles)
    rings = list(solid.shape.points_mm(mesh_stations_mm(solid.shape, step_mm), phi))
    if solid.collar is not None:
        rim = 0.5 * solid.collar.diameter_mm * np.stack([np.cos(phi), np.sin(phi), np.zeros_like(phi)], 1)
        rings[:0] = [rim - (0.0, 0.0, solid.collar.thickness_mm), rim]
    return rings


def _rings_to_mesh(rings: list[FloatArray]) -> tuple[FloatArray, np.ndarray]:
    """Join rings of equal length from the first to the last, and close both ends with a fan."""
    n = len(rings[0])
    pointed = np.ptp(rings[-1], axis=0).max() < 1e-12
    body = rings[:-1] if pointed else rings
    centres = np.stack([rings[0].mean(0), rings[-1].mean(0)])
    vertices = np.concatenate([*body, centres])
    first, last = len(vertices) - 2, len(vertices) - 1
    here = np.arange(n)
    there = np.roll(here, -1)
    faces = [np.stack([np.full(n, first), there, here], 1)]
    for k in range(len(body) - 1):
        a, b = here + k * n, there + k * n
        faces += [np.stack([a, b, b + n], 1), np.stack([a, b + n, a + n], 1)]
    end = (len(body) - 1) * n
    faces.append(np.stack([here + end, there + end, np.full(n, last)], 1))
    return vertices, np.concatenate(faces)


def hole_axis_mm(shape: StemShape, hole: ScrewHole) -> tuple[FloatArray, FloatArray]:
    """Return a point on the axis of a hole (3,) and its unit direction (3,) in the implant frame."""
    direction = np.deg2rad(hole.direction_deg)
    bow = 0.0 if shape.bow_radius_mm is None else hole.station_mm / shape.bow_radius_mm
    # The section's x axis turns with the bow: towards the centre of curvature.
    x_axis = np.array([np.cos(bow), 0.0, -np.sin(bow)])
    centre = np.array([0.0, 0.0, hole.station_mm])
    if shape.bow_radius_mm is not None:
        centre = shape.bow_radius_mm * np.array([1 - np.cos(bow), 0.0, np.sin(bow)])
    return centre, np.cos(direction) * x_axis + np.sin(direction) * np.array([0.0, 1.0, 0.0])


def _bore(shape: StemShape, hole: ScrewHole) -> trimesh.Trimesh:
    import trimesh

    centre, along = hole_axis_mm(shape, hole)
    reach = 2.0 * float(np.nanmax(shape.radius_mm(shape.station_mm, np.linspace(0, 2 * np.pi, 72))))
    return trimesh.creation.cylinder(
        hole.diameter_mm / 2, segment=[centre - reach * along, centre + reach * along], sections=MESH_ANGLES
    )


@dataclass(frozen=True, slots=True)
class Deviation:
    """Largest and mean distance of sampled surface points from the design, and the volume's relative difference."""

    worst_mm: float
    mean_mm: float
    volume_relative: float
    samples: int


def mesh_deviation(solid: StemSolid, mesh: trimesh.Trimesh, seed: int = 0) -> Deviation:
    """Sample the mesh's flank and compare each point with the section table.

    The radial distance is an upper bound of the normal distance. Points on collar, end faces and holes are left out.
    """
    import trimesh

    points, _ = trimesh.sample.sample_surface(mesh, _DEVIATION_SAMPLES, seed=seed)
    station, phi, radius = to_stem_coordinates(solid.shape, points)
    margin = 1e-6
    keep = (station > margin) & (station < solid.shape.length_mm - margin)
    for hole in solid.holes:
        centre, along = hole_axis_mm(solid.shape, hole)
        arm = points - centre
        keep &= np.linalg.norm(arm - np.outer(arm @ along, along), axis=1) > hole.diameter_mm / 2 + 0.01
    station, phi, radius = station[keep], phi[keep], radius[keep]
    wanted = np.array([solid.shape.radius_mm([s], [p])[0, 0] for s, p in zip(station, phi, strict=True)])
    # A flat end face is not flank: its points lie inside the section at the last station.
    flank = np.abs(station - solid.shape.length_mm) > 0.05
    off = np.abs(radius - wanted)[flank]
    relative = mesh.volume / solid.volume_mm3 - 1.0
    return Deviation(float(off.max()), float(off.mean()), float(relative), len(off))


def to_stem_coordinates(shape: StemShape, points_mm: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return station, angle and radius (k,) of points (k, 3) in the implant frame."""
    x, y, z = points_mm.T
    if shape.bow_radius_mm is None:
        return z, np.arctan2(y, x), np.hypot(x, y)
    reach = np.hypot(shape.bow_radius_mm - x, z)
    inward = shape.bow_radius_mm - reach
    return shape.bow_radius_mm * np.arctan2(z, shape.bow_radius_mm - x), np.arctan2(y, inward), np.hypot(inward, y)


def write_mesh(mesh: trimesh.Trimesh, path: Path) -> None:
    """Write STL (binary) or 3MF by the file's suffix, in mm; never leaves half a file."""
    temporary = path.with_name(path.name + ".part")
    mesh.export(temporary, file_type=path.suffix.lstrip("."))
    if path.suffix == ".3mf":
        _same_names_every_time(temporary)
    temporary.replace(path)


def _same_names_every_time(path: Path) -> None:
    """The writer draws new names (UUID) for the objects of a 3MF: fixed ones make equal solids equal files."""
    with zipfile.ZipFile(path) as archive:
        parts = [(entry, archive.read(entry)) for entry in archive.infolist()]
    names: dict[bytes, bytes] = {}

    def fixed(found: re.Match[bytes]) -> bytes:
        return names.setdefault(found[0], str(uuid.UUID(int=len(names) + 1)).encode())

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, content in parts:
            archive.writestr(zipfile.ZipInfo(entry.filename), _UUID.sub(fixed, content), zipfile.ZIP_DEFLATED)
