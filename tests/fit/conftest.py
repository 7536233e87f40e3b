"""Canals that are known on paper, and one implant to put in them."""

import numpy as np
import pytest

from sizing.canal import Canal
from sizing.implants import Fixation, ImplantTemplate, Preparation, Provenance


def ellipse(a: float, b: float, n: int, *, rot_deg: float = 0.0, cx: float = 0.0, cy: float = 0.0) -> np.ndarray:
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    c, s = np.cos(np.deg2rad(rot_deg)), np.sin(np.deg2rad(rot_deg))
    x, y = a * np.cos(t), b * np.sin(t)
    return np.stack([cx + c * x - s * y, cy + s * x + c * y], axis=-1)


def tube(inner_radius_mm: float, outer_radius_mm: float, *, length_mm: float = 200.0, n: int = 256) -> Canal:
    """A straight round tube, levels every mm."""
    z = np.arange(0.0, length_mm + 0.5)
    inner, outer = ellipse(inner_radius_mm, inner_radius_mm, n), ellipse(outer_radius_mm, outer_radius_mm, n)
    return Canal.from_sections(z, [inner] * len(z), [outer] * len(z), n_angles=n)


def stem(
    diameter_mm: float, length_mm: float = 140.0, *, under_ream_mm: float = 0.0, number: str = "", **fields
) -> ImplantTemplate:
    """A plain cylinder."""
    return ImplantTemplate(
        "test", number or f"T-{diameter_mm:g}-{length_mm:g}", Fixation.PRESS_FIT, diameter_mm, length_mm,
        [[0.0, diameter_mm / 2], [length_mm, diameter_mm / 2]],
        Preparation.UNDER_REAM if under_ream_mm else Preparation.LINE_TO_LINE,
        Provenance("on paper", "custom", "2026-01-01"), diametral_under_ream_mm=under_ream_mm, **fields,
    )  # fmt: skip


@pytest.fixture
def make_tube():
    return tube


@pytest.fixture
def make_stem():
    return stem


@pytest.fixture
def make_ellipse():
    return ellipse
