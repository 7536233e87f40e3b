"""A 512 x 512 x 600 scan: an oval, bowed residual femur, a second whole femur, soft tissue, noise."""

from __future__ import annotations

import numpy as np

from sizing.geometry import VolumeGeometry
from sizing.volume import CtVolume

SHAPE = (600, 512, 512)
SPACING_MM = (0.6, 0.7, 0.7)


def make_volume(seed: int = 1, slices: int = SHAPE[0]) -> CtVolume:
    """Return the volume, slice by slice, so that nothing of its size but itself is ever made."""
    rng = np.random.default_rng(seed)
    shape = (slices, *SHAPE[1:])
    hu = np.empty(shape, np.int16)
    y, x = np.meshgrid(*(np.arange(n) * d for n, d in zip(SHAPE[1:], SPACING_MM[1:], strict=True)), indexing="ij")
    noise = rng.normal(0, 20, SHAPE[1:])
    middle_x, middle_y = x.mean(), y.mean()
    for k in range(slices):
        z = k * SPACING_MM[0]
        bow = (z - 180.0) ** 2 / (2 * 1000.0)  # radius of the bow 1 m
        section = np.full(SHAPE[1:], -1000.0)
        for centre_x, has_bone in ((middle_x - 85, z > 40), (middle_x + 85, True)):
            section[(x - centre_x) ** 2 + (y - middle_y) ** 2 < 75.0**2] = 40.0
            if has_bone:
                _draw_bone(section, x - centre_x, y - middle_y + bow, z)
        hu[k] = np.clip(section + np.roll(noise, (17 * k, 31 * k), (0, 1)), -1000, 3000)
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *SPACING_MM, 1.0
    affine[:3, 3] = (-middle_x, -middle_y, -900.0)
    return CtVolume(hu, VolumeGeometry(shape, affine))


def _draw_bone(section: np.ndarray, dx: np.ndarray, dy: np.ndarray, z: float) -> None:
    """Draw one section: soft edges (blur 0.45 mm), canal oval and turning, flaring away from the isthmus."""
    turn = 0.3 + z / 400.0
    along, across = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
    canal = 6.0 + ((z - 200.0) / 90.0) ** 2
    radius = np.hypot(along / 1.1, across / 0.92)
    edge = 0.6  # mm over which an edge runs from one side to the other, about a blur of 0.45 mm
    bone = np.clip((canal + 5.0 - radius) / edge + 0.5, 0, 1) * np.clip((radius - canal) / edge + 0.5, 0, 1)
    marrow = np.clip((canal - radius) / edge + 0.5, 0, 1)
    section += bone * (1400.0 - section) + marrow * (-20.0 - section)
