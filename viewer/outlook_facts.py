"""The words of what lies round a plan, once for PDF and browser."""

from __future__ import annotations

import numpy as np

import viewer.words as words
from sizing.fit import cutting_diameter_mm
from sizing.fit.model import Fit
from sizing.fit.quarters import QUARTERS
from sizing.fit.zones import ZONE_NAMES
from sizing.planning import ImplantationPlan
from sizing.reaming import Astray, GraftAccount, SizeDoubt

# Marks the row of the choice; never printed.
CHOICE = "\N{ZERO WIDTH SPACE}"
# Sizes shown to either side of the choice.
_BESIDE = 3
# A size that is drawn less often is not named.
_LEAST_NAMED = 0.05

RISK_HEADER = (
    "last tool, mm",
    "scan asks for it",
    "wall under limit",
    "breach",
    "least wall 5–95 %",
    "most often at, above the cut",
)
QUARTER_HEADER = ("zone", "anterior", "posterior", "medial", "lateral")
GRAFT_HEADER = ("solid cortical bone cut", "solid cancellous", "to use", "gap round the stem", "left over")


def size_words(size: SizeDoubt) -> str:
    """Return ``16.0 mm: 71 ± 1 %, 15.5 mm: 24 ± 1 %``, with a remark where it is a coin toss."""
    order = [i for i in np.argsort(-size.probability, kind="stable") if size.probability[i] >= _LEAST_NAMED]
    named = [f"{words.diameter(float(size.diameters_mm[i]))} mm: {size.share_words(i)}" for i in order]
    if size.none_probability >= _LEAST_NAMED:
        named.append(f"no size: {100 * size.none_probability:.0f} %")
    text = ", ".join(named[:5])
    return f"{text} – a coin toss" if size.coin_toss else text


SIZE_NOTE = (
    "From the scan's own doubt and the tools' alone: a bone drawn within it takes the smallest size that cuts as much "
    "cortex as the plan does, unless its wall gets too thin. The hand's errors are in the table below."
)


def drawn_words(drawn: Astray) -> str:
    """Return what was drawn, in one sentence."""
    s = drawn.settings
    surface = "; both surfaces of the bone off by what the scan leaves in doubt" if s.surface else ""
    return (
        f"{s.n_poses} drawn operations, one standard deviation each: axis off by {s.offset_mm:g} mm and "
        f"{s.tilt_deg:g} degrees, depth by {s.depth_mm:g} mm, tools cutting {s.oversize_mm:g} mm off their size"
        f"{surface}."
    )


def risk_rows(plan: ImplantationPlan) -> list[tuple[str, ...]]:
    """Return one row per size round the choice; columns as in ``RISK_HEADER``."""
    drawn, fit = plan.astray, plan.chosen
    if drawn is None or plan.size is None or fit is None:
        return []
    planned = int(np.argmin(np.abs(drawn.diameters_mm - cutting_diameter_mm(fit))))
    rows: list[tuple[str, ...]] = []
    for i in range(max(0, planned - _BESIDE), min(len(drawn.diameters_mm), planned + _BESIDE + 1)):
        low, _, high = drawn.wall_quantiles_mm[i]
        depth = float(drawn.worst_depth_mm[i])
        where = words.place(depth, drawn.worst_direction[i]) if words.known(depth) else "nowhere"
        where = where.replace(" above the cut", "")
        rows.append((
            words.diameter(float(drawn.diameters_mm[i])) + (CHOICE if i == planned else ""),
            words.percent(float(plan.size.probability[i])),
            _risk(drawn.too_thin_probability[i], drawn.too_thin_se[i]),
            _risk(drawn.breach_probability[i], drawn.breach_se[i]),
            f"{words.wall(low)} – {words.wall(high)}",
            where,
        ))  # fmt: skip
    return rows


def _risk(probability: float, error: float) -> str:
    return f"{100 * probability:.1f} ± {100 * error:.1f} %"


def quarter_rows(fit: Fit) -> list[tuple[str, ...]]:
    """Return one row per zone: contact and least wall in each quarter; empty where no quarters are known."""
    by_name = {z.name: z for z in fit.zones}
    if f"{ZONE_NAMES[0]} {QUARTERS[0]}" not in by_name:
        return []
    rows: list[tuple[str, ...]] = []
    for zone in ZONE_NAMES:
        quarters = [by_name[f"{zone} {q}"] for q in QUARTERS]
        cells = (f"{words.percent(z.contact_share)}, wall {words.wall(z.wall_min_mm)}" for z in quarters)
        rows.append((zone, *cells))
    return rows


def graft_rows(account: GraftAccount) -> list[tuple[str, ...]]:
    """Return the account in ml; columns as in ``GRAFT_HEADER``."""
    parts = (account.solid_cortical_ml, account.solid_cancellous_ml, account.harvest_ml, account.gap_ml,
             account.balance_ml)  # fmt: skip
    return [tuple(words.ml(1000.0 * value) for value in parts)]


def graft_note(account: GraftAccount) -> str:
    """Return how the harvest is counted."""
    s = account.settings
    return (
        f"Harvest = solid bone × collected share {s.collected_share:g} × bulking factor {s.bulking_factor:g} "
        "(no published factor exists; 1 = solid bone). Chips of a tap and of facing are not counted."
    )
