"""How an implant sits in a canal: placement, contact, wall left, score, and the reasons."""

from sizing.fit.choice import choice_findings
from sizing.fit.context import FitContext
from sizing.fit.fitting import choose, fit_all, fit_context, fit_implant, measure_fit, with_reaming
from sizing.fit.model import Fit, Placement, Score, ZoneFit
from sizing.fit.outlook import (
    OUTLOOK_CODES,
    astray_of,
    cutting_diameter_mm,
    envelope_of,
    outlook_findings,
    size_doubt_of,
)
from sizing.fit.rank import neighbours_of, rank_fits
from sizing.fit.settings import FitSettings, Objective, ScoreWeights
from sizing.fit.slimmed import nearest_insertable

__all__ = [
    "OUTLOOK_CODES",
    "Fit",
    "FitContext",
    "FitSettings",
    "Objective",
    "Placement",
    "Score",
    "ScoreWeights",
    "ZoneFit",
    "astray_of",
    "choice_findings",
    "choose",
    "cutting_diameter_mm",
    "envelope_of",
    "fit_all",
    "fit_context",
    "fit_implant",
    "measure_fit",
    "nearest_insertable",
    "neighbours_of",
    "outlook_findings",
    "rank_fits",
    "size_doubt_of",
    "with_reaming",
]
