"""A small tube in a scan, made here in a dozen lines: independent of ``sizing.phantom``."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from sizing.anatomy import Bone, Side
from sizing.geometry import Plane, VolumeGeometry
from sizing.segmentation.model import ResidualBone
from sizing.volume import CtVolume, ScanInfo

FINE_MM = 0.25


def make_tube(
    *, semi_axes=(7.0, 5.5), wall=4.0, voxel=(1.0, 0.5), tilt_deg=0.0, length=40.0, sigma=0.45, taper=0.0, noise=15.0,
    edit=None, seed=1,
):  # fmt: skip
    """Blurred elliptic tube: inner semi-axes along u (anterior) and v, outer ones larger by ``wall``."""
    tilt = np.radians(tilt_deg)
    half = np.array([length / 2 + 8, max(semi_axes) + wall + 8 + length / 2 * np.tan(tilt), max(semi_axes) + wall + 8])
    grid = [np.arange(-h, h, FINE_MM, dtype=np.float32) for h in half]
    z, x, y = np.meshgrid(*grid, indexing="ij")
    s, v = x * np.sin(tilt) + z * np.cos(tilt), x * np.cos(tilt) - z * np.sin(tilt)
    u = -y  # anterior
    scale = 1 + taper * s
    inner = np.hypot(u / semi_axes[0], v / semi_axes[1]) < scale
    outer = np.hypot(u / (semi_axes[0] + wall), v / (semi_axes[1] + wall)) < scale
    hu = np.where(inner, 0.0, np.where(outer, 1500.0, 50.0)).astype(np.float32)
    if edit is not None:
        hu = edit(hu, u, v, s).astype(np.float32)
    hu = gaussian_filter(hu, [voxel[0] / 2.355 / FINE_MM, sigma / FINE_MM, sigma / FINE_MM])
    steps = [round(voxel[0] / FINE_MM), round(voxel[1] / FINE_MM), round(voxel[1] / FINE_MM)]
    pick = tuple(slice(None, None, n) for n in steps)
    # array axes here are (z, x, y): the volume wants (slice, row = y, column = x)
    hu, mask = hu[pick].transpose(0, 2, 1), outer[pick].transpose(0, 2, 1)
    hu = hu + np.random.default_rng(seed).normal(0, noise, hu.shape)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = (0, 0, voxel[0]), (0, voxel[1], 0), (voxel[1], 0, 0)
    affine[:3, 3] = (grid[1][0], grid[2][0], grid[0][0])
    geometry = VolumeGeometry(hu.shape, affine)
    volume = CtVolume(np.ascontiguousarray(np.round(hu), np.int16), geometry, ScanInfo(slice_thickness_mm=voxel[0]))
    up = np.array([np.sin(tilt), 0, np.cos(tilt)])
    bone = ResidualBone(
        np.ascontiguousarray(mask), geometry, (0, 0, 0), Bone.FEMUR, Side.LEFT, "given",
        Plane(-0.3 * length * up, up), "virtual", up, 5.0,
    )  # fmt: skip
    return SimpleNamespace(volume=volume, bone=bone, up=up, semi_axes=semi_axes, wall=wall, taper=taper)


@pytest.fixture(scope="session")
def tube():
    return make_tube
