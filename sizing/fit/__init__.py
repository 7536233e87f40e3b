"""How an implant sits in a canal: placement, contact, wall left, score, and the reasons."""

from sizing.fit.context import FitContext
from sizing.fit.fitting import choose, fit_all, fit_context, fit_implant, with_reaming
from sizing.fit.model import Fit, Placement, Score, ZoneFit
from sizing.fit.rank import neighbours_of, rank_fits
from sizing.fit.settings import FitSettings, Objective, ScoreWeights

__all__ = [
    "Fit",
    "FitContext",
    "FitSettings",
    "Objective",
    "Placement",
    "Score",
    "ScoreWeights",
    "ZoneFit",
    "choose",
    "fit_all",
    "fit_context",
    "fit_implant",
    "neighbours_of",
    "rank_fits",
    "with_reaming",
]
