"""From a spec to a CT volume: analytic bone drawn on fine cells, blurred, set into a limb, with noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import sizing.phantom.blur as blur
import sizing.phantom.limb as limb
import sizing.phantom.shape as shape
from sizing import _phantom
from sizing.errors import InputError
from sizing.geometry import FloatArray, VolumeGeometry
from sizing.phantom.noise import correlated_noise, texture
from sizing.phantom.shape import AXIS_STEP_MM, AxisTable
from sizing.phantom.spec import BoneSpec, PhantomSpec
from sizing.volume import CtVolume, ScanInfo

# Angles of the surface tables: reading them linearly misses an ellipse of 16 x 12 mm by less than 1e-4 mm.
TABLE_ANGLES = 512
AIR_MARGIN_MM = 8.0
SLICE_MARGIN_MM = 2.0
END_AIR_MM = 10.0
MAX_VOXELS = 400_000_000
HU_RANGE = (-1024, 3071)


@dataclass(frozen=True)
class BoneTables:
    """One bone, tabulated for the kernel: see ``sizing/_phantom.pyx``."""

    axis: AxisTable
    surfaces: FloatArray  # (k, TABLE_ANGLES, 3)
    levels: FloatArray  # (k, 3)

    @property
    def greatest_radius_mm(self) -> float:
        """Greatest periosteal radius."""
        return float(self.levels[:, 2].max())


def tabulate(bone: BoneSpec, axis: AxisTable) -> BoneTables:
    """Tabulate surfaces and HU of one bone; refuses surfaces that cross."""
    depth, theta = axis.depth_mm[:, None], np.arange(TABLE_ANGLES) * (2 * np.pi / TABLE_ANGLES)
    inner = shape.endosteal_radius_mm(bone, depth, theta)
    outer = shape.periosteal_radius_mm(bone, depth, theta)
    if np.any(inner <= 0) or np.any(outer <= inner):
        raise InputError("CF-P003", "the surfaces of this bone cross", where="shape.canal and shape.wall",
                         expected="0 < endosteal radius < periosteal radius everywhere")  # fmt: skip
    surfaces = np.stack([inner, outer, shape.wall_hu(bone, depth, theta)], axis=-1)
    levels = np.stack([shape.canal_hu(bone, axis.depth_mm), inner.min(axis=1), outer.max(axis=1)], axis=-1)
    return BoneTables(axis, np.ascontiguousarray(surfaces), np.ascontiguousarray(levels))


def make_axis(spec: PhantomSpec) -> AxisTable:
    """Return the axis of the first bone, long enough to leave the scan at both ends."""
    beyond = 20.0 + 40.0 * np.tan(np.deg2rad(spec.pose.tilt_deg)) + 2.0 * spec.scan.slice_thickness_mm
    return shape.integrate_axis(spec.shape, spec.pose, -spec.below_mm - beyond, spec.length_mm + beyond)


def lay_out(spec: PhantomSpec, tables: BoneTables) -> VolumeGeometry:
    """Return the scan's grid: axial slices along +z, rows along +y, columns along +x."""
    axis, scan = tables.axis, spec.scan
    inside = (axis.depth_mm >= -spec.below_mm) & (axis.depth_mm <= spec.length_mm)
    points = axis.points_lps[inside]
    lean = tables.greatest_radius_mm * float(np.sin(np.arccos(axis.s_lps[inside, 2].min()))) + SLICE_MARGIN_MM
    low, high = points[0, 2] - lean, points[-1, 2] + lean
    if spec.shape.end_depth_mm is not None:
        end_z = float(np.interp(spec.shape.end_depth_mm, axis.depth_mm, axis.points_lps[:, 2]))
        low = end_z - spec.limb.end_cover_mm - END_AIR_MM
    x, y = _field(spec, tables, points)
    n = [int(np.ceil((b - a) / step)) + 1 for (a, b), step in
         zip(((low, high), y, x), (scan.slice_step_mm, scan.pixel_mm, scan.pixel_mm), strict=True)]  # fmt: skip
    if np.prod(n) > MAX_VOXELS:
        raise InputError("CF-P004", "this phantom would be too large", measured=f"{n} voxels",
                         expected=f"at most {MAX_VOXELS}")  # fmt: skip
    affine = np.eye(4)
    affine[:3, :3] = [[0, 0, scan.pixel_mm], [0, scan.pixel_mm, 0], [scan.slice_step_mm, 0, 0]]
    affine[:3, 3] = x[0], y[0], low
    return VolumeGeometry((n[0], n[1], n[2]), affine)


def _field(spec: PhantomSpec, tables: BoneTables, points: FloatArray) -> tuple[tuple[float, float], ...]:
    """Return the (low, high) of the field of view along x and y."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    if spec.scan.field_mm is not None:
        middle = 0.5 * (low + high)
        if np.any(high - low > spec.scan.field_mm - 2 * tables.greatest_radius_mm):
            raise InputError("CF-P005", "the bone does not fit into the field of view", where="scan.field_mm",
                             measured=f"{spec.scan.field_mm:g} mm")  # fmt: skip
        half = 0.5 * spec.scan.field_mm
        return tuple((float(m - half), float(m + half)) for m in middle)
    radius = limb.limb_radius_mm(spec)
    reach = np.array([radius * spec.limb.aspect, radius]) + AIR_MARGIN_MM
    offsets = np.array([n.offset_lps[:2] for n in spec.neighbours if n.own_limb] + [(0.0, 0.0)])
    low, high = low - reach + offsets.min(axis=0), high + reach + offsets.max(axis=0)
    if spec.limb.table:
        high[1] = limb.table_top_mm(spec, tables.axis) + limb.TABLE_SHELL_MM + limb.TABLE_CORE_MM + AIR_MARGIN_MM
    return tuple((float(a), float(b)) for a, b in zip(low, high, strict=True))


def add_bone(
    out: NDArray[np.float32], geometry: VolumeGeometry, spec: PhantomSpec, bone: BoneSpec, tables: BoneTables
) -> None:
    """Add the blurred HU excess of one bone over muscle to a volume (slice, row, column)."""
    scan, axis = spec.scan, tables.axis
    steepest = float(np.arccos(np.clip(axis.s_lps[:, 2].min(), -1, 1)))
    cells, hz = blur.cells_per_pixel(scan), blur.cell_height_mm(scan, steepest)
    h = scan.pixel_mm / cells
    taps, strength, first = blur.pixel_taps(scan, cells)
    half = int(np.ceil((tables.greatest_radius_mm / np.cos(steepest) - first * h) / scan.pixel_mm)) + 1
    n = 2 * half + 1
    z_slices = geometry.affine[2, 3] + scan.slice_step_mm * np.arange(geometry.shape[0])
    margin = 2.0 * scan.slice_thickness_mm
    z_planes = np.arange(z_slices[0] - margin, z_slices[-1] + margin, hz)
    centres = np.stack([np.interp(z_planes, axis.points_lps[:, 2], axis.points_lps[:, i]) for i in (0, 1)], axis=-1)
    corner = np.rint((centres - geometry.affine[:2, 3]) / scan.pixel_mm).astype(int) - half
    weights = blur.slice_weights(z_slices, z_planes, hz, scan).astype(np.float32)
    table = np.ascontiguousarray(np.hstack([axis.points_lps, axis.s_lps, axis.u_lps, axis.v_lps]))
    constants = _constants(spec, bone, axis, h, hz)
    fine, middle, patch = (np.empty(shape, np.float32) for shape in ((n * cells, n * cells), (n * cells, n), (n, n)))
    first_cell = geometry.affine[:2, 3] - 0.5 * scan.pixel_mm + 0.5 * h
    for z, (left, top), to_slices in zip(z_planes, corner, weights, strict=True):
        x0, y0 = first_cell + scan.pixel_mm * np.array([left, top])
        _phantom.draw_plane(table, tables.surfaces, tables.levels, constants, x0, y0, z, cells, fine)
        _phantom.blur_plane(fine, taps, strength, first, cells, middle, patch)
        rows, columns = _overlap(top, n, out.shape[1]), _overlap(left, n, out.shape[2])
        part = patch[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        for i in np.flatnonzero(to_slices):
            out[i, rows, columns] += to_slices[i] * part


def _overlap(start: int, length: int, limit: int) -> slice:
    return slice(min(max(start, 0), limit), max(min(start + length, limit), 0))


def _constants(spec: PhantomSpec, bone: BoneSpec, axis: AxisTable, h: float, hz: float) -> FloatArray:
    tissue, pin = bone.tissue, bone.pin
    end = -np.inf if bone.end_depth_mm is None else bone.end_depth_mm
    metal = (0.0, 0.0, 0.0, 0.0) if pin is None else (0.5 * pin.diameter_mm, pin.u_mm, pin.v_mm, pin.hu)
    return np.array([axis.depth_mm[0], AXIS_STEP_MM, h, hz, spec.limb.muscle_hu, tissue.cancellous_hu,
                     tissue.cancellous_decay_mm, end, tissue.porosity, tissue.porosity_power, *metal])  # fmt: skip


def render(spec: PhantomSpec, tables: BoneTables) -> CtVolume:
    """Return the phantom as a scanner would give it."""
    geometry = lay_out(spec, tables)
    hu = limb.draw_limbs(spec, tables.axis, geometry)
    add_bone(hu, geometry, spec, spec.shape, tables)
    for other in spec.neighbours:
        axis = shape.integrate_axis(other.bone, spec.pose, tables.axis.depth_mm[0], tables.axis.depth_mm[-1])
        moved = AxisTable(axis.depth_mm, axis.points_lps + other.offset_lps, axis.s_lps, axis.u_lps, axis.v_lps)
        add_bone(hu, geometry, spec, other.bone, tabulate(other.bone, moved))
    hu += texture(geometry, spec.limb, spec.seed)
    hu += correlated_noise(geometry.shape, spec.scan, spec.seed)
    np.clip(np.rint(hu, out=hu), *HU_RANGE, out=hu)
    info = ScanInfo(
        series_description=f"canalfit phantom {spec.name}",
        manufacturer="canalfit",
        model="digital phantom",
        kernel=spec.scan.kernel,
        slice_thickness_mm=spec.scan.slice_thickness_mm,
        patient_position="HFS",
        body_part={"femur": "FEMUR", "tibia": "LEG", "humerus": "HUMERUS"}[spec.bone],
        laterality="L" if spec.side == "left" else "R",
        pseudonym=spec.name,
    )
    return CtVolume(hu.astype(np.int16), geometry, info)
