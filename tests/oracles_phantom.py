"""Slow twin of the phantom's drawing: HU of a point from the formulae, and brute-force blur of single voxels."""

import numpy as np

from sizing.phantom import blur, shape


def excess_hu(spec, bone, axis, points_lps):
    """HU over muscle at points (k, 3): no cells, no tables, sharp edges."""
    depth, x, y = np.moveaxis(axis.locate(points_lps), -1, 0)
    r, theta = np.hypot(x, y), np.arctan2(y, x)
    inner = shape.endosteal_radius_mm(bone, depth, theta)
    outer = shape.periosteal_radius_mm(bone, depth, theta)
    tissue = bone.tissue
    canal = shape.canal_hu(bone, depth)
    if tissue.cancellous_hu:
        step = 1e-3
        along = (shape.endosteal_radius_mm(bone, depth + step, theta) - inner) / step
        around = (shape.endosteal_radius_mm(bone, depth, theta + step) - inner) / step / inner
        distance = (inner - r) / np.sqrt(1 + along**2 + around**2)
        canal = canal + tissue.cancellous_hu * np.exp(-np.maximum(distance, 0) / tissue.cancellous_decay_mm)
    inward = np.clip((outer - r) / (outer - inner), 0, 1)
    wall = shape.wall_hu(bone, depth, theta) * (1 - tissue.porosity * inward**tissue.porosity_power)
    hu = np.where(r < inner, canal, wall) - spec.limb.muscle_hu
    hu = np.where(r < outer, hu, 0.0)
    if bone.pin is not None:
        pin = np.hypot(x - bone.pin.u_mm, y - bone.pin.v_mm) < bone.pin.diameter_mm / 2
        hu = np.where(pin, bone.pin.hu - spec.limb.muscle_hu, hu)
    if bone.end_depth_mm is not None:
        hu = np.where(depth > bone.end_depth_mm, hu, 0.0)
    return hu


def blurred_excess_hu(spec, bone, axis, centre_lps, in_plane_step_mm=0.06, planes=20):
    """Excess of one voxel: point spread times slice profile, summed over a dense lattice of points.

    Every point is moved at random within its cell, so that no edge can lie along the lattice.
    """
    scan, random = spec.scan, np.random.default_rng(0)
    terms = blur.in_plane_terms(scan)
    reach = 4.5 * max(s for _, s in terms)
    t = scan.slice_thickness_mm
    half = {"box": t / 2, "triangle": t, "gauss": 2 * t}[scan.profile]
    n = int(np.ceil(2 * reach / in_plane_step_mm))
    k, i, j = np.indices((planes, n, n)) + random.random((3, planes, n, n))
    z, y, x = (2 * k / planes - 1) * half, (2 * i / n - 1) * reach, (2 * j / n - 1) * reach
    psf = sum(w / s**2 * np.exp(-0.5 * (x**2 + y**2) / s**2) for w, s in terms)
    if scan.profile == "box":
        profile = np.ones_like(z)
    elif scan.profile == "triangle":
        profile = 1 - np.abs(z) / half
    else:
        profile = np.exp(-0.5 * (z * 2 * np.sqrt(2 * np.log(2)) / t) ** 2)
    points = np.stack([x, y, z], axis=-1).reshape(-1, 3) + centre_lps
    weight = psf * profile
    return float((excess_hu(spec, bone, axis, points).reshape(z.shape) * weight).sum() / weight.sum())
