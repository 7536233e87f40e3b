"""A surface difference as a map over depth and angle, in bands of 0.05 mm; blue = smaller, orange = larger."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import viewer.style as style
from sizing.record.surfaces import SurfaceDifference

BAND_MM = 0.05
# More bands than this cannot be told apart; what lies beyond has the last colour.
_MOST_BANDS = 10


def draw_difference(surface: SurfaceDifference, path: Path) -> None:
    """Write the map as PNG; grey = not comparable."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap
    from matplotlib.figure import Figure

    worst = surface.worst_mm
    bands = int(np.clip(np.ceil((worst if np.isfinite(worst) else 0.0) / BAND_MM), 1, _MOST_BANDS))
    edges = BAND_MM * np.arange(-bands, bands + 1)
    ramp = LinearSegmentedColormap.from_list("difference", [style.BLUE, "#ffffff", style.WARM], N=256)
    colours = ramp.with_extremes(bad="#c9cfd4")
    figure = Figure(figsize=(8.0, 5.5), dpi=130)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.09, 0.13, 0.74, 0.78))
    extent = (0.0, 360.0, float(surface.depth_mm[0]), float(surface.depth_mm[-1]))
    image = axes.imshow(
        np.ma.masked_invalid(surface.difference_mm),
        origin="lower",
        aspect="auto",
        extent=extent,
        cmap=colours,
        norm=BoundaryNorm(edges, 256, extend="both"),
        interpolation="nearest",
    )
    axes.set(
        xlabel="angle, degrees (plans: from anterior; stems: from x)",
        ylabel="mm above the cut",
        xticks=range(0, 361, 45),
    )
    told = f"{worst:.3f} mm at most" if np.isfinite(worst) else "cannot be compared"
    axes.set_title(f"Second minus first: {surface.what}, {told}", fontsize=10, loc="left")
    bar = figure.colorbar(image, cax=figure.add_axes((0.86, 0.13, 0.03, 0.78)))
    bar.set_label("mm, in bands of 0.05")
    figure.text(0.09, 0.012, "Research use only. Grey: only in one of the two, or not measured.", fontsize=7)
    temporary = path.with_name(path.name + ".part")
    figure.savefig(temporary, format="png", metadata={"Software": None})
    temporary.replace(path)
