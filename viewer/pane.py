"""What a 2-D picture shows, as data: both the PDF (matplotlib) and the browser (SVG) draw from it.

One description and two painters, so that the report and the planner cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sizing.geometry import FloatArray, frozen_array


@dataclass(frozen=True)
class Raster:
    """An image laid out in the pane's units.

    Attributes
    ----------
    pixels : (h, w) or (h, w, 4) uint8 array
        Grey or RGBA, first row on top.
    box : tuple of float
        left, right, bottom, top of the image's outer edges.
    """

    pixels: NDArray[np.uint8]
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Line:
    """A polyline (k, 2); NaN points break it. ``role`` names its look in ``viewer.style``."""

    points: FloatArray
    role: str
    closed: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", frozen_array(self.points))

    def pieces(self) -> list[FloatArray]:
        """Return the runs of finite points, two or more each; a closed line closes only if it is whole."""
        good = np.isfinite(self.points).all(axis=1)
        points = self.points
        if self.closed and good.all():
            return [np.vstack([points, points[:1]])]
        if self.closed and good.any():  # start at a gap, so that no run is cut where the numbering starts
            start = int(np.flatnonzero(~good)[0])
            points, good = np.roll(points, -start, axis=0), np.roll(good, -start)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(int)))
        return [points[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 1]


@dataclass(frozen=True)
class Area:
    """A filled polygon (k, 2)."""

    points: FloatArray
    role: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", frozen_array(self.points))


@dataclass(frozen=True)
class Mark:
    """A text at a point, with an optional dot on the point; the text stands ``offset`` (pt) away from it."""

    at: tuple[float, float]
    text: str
    role: str = "label"
    anchor: str = "start"  # start, middle, end
    offset: tuple[float, float] = (0.0, 0.0)
    dot: bool = False


@dataclass(frozen=True)
class Ticks:
    """Positions and texts along one edge, and what the axis means."""

    at: tuple[float, ...] = ()
    text: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True)
class Band:
    """One step of a colour scale: values from ``low`` to ``high``."""

    low: float
    high: float
    rgb: tuple[float, float, float]
    text: str


@dataclass(frozen=True)
class Pane:
    """One picture.

    Attributes
    ----------
    key, title : str
    x_range, y_range : tuple of float
        Left to right, bottom to top, in the pane's units.
    equal : bool
        Both axes are millimetres of the same length.
    edges : tuple of str
        Direction words at the left, right, bottom and top edge; empty string = none.
    sides_at : float or None
        Height (pane's units) of the left and right direction words; None = the middle.
    scale_bar_mm : float or None
    """

    key: str
    title: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    rasters: tuple[Raster, ...] = ()
    areas: tuple[Area, ...] = ()
    lines: tuple[Line, ...] = ()
    marks: tuple[Mark, ...] = ()
    x_ticks: Ticks = field(default_factory=Ticks)
    y_ticks: Ticks = field(default_factory=Ticks)
    edges: tuple[str, str, str, str] = ("", "", "", "")
    sides_at: float | None = None
    scale_bar_mm: float | None = None
    equal: bool = True
    dark: bool = True  # a CT picture; charts are light
    corner: str = ""  # a remark in the lower left corner, in the warm colour
    bands: tuple[Band, ...] = ()

    @property
    def sides_share(self) -> float:
        """Where the left and right direction words stand: 0 at the bottom, 1 at the top."""
        low, high = self.y_range
        return 0.5 if self.sides_at is None else (self.sides_at - low) / (high - low)


def nice_ticks(low: float, high: float, step: float) -> FloatArray:
    """Return the multiples of ``step`` between two limits."""
    return np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step + 0.0  # no minus zero
