"""How an implant sits in a canal: placement, contact, wall left, score, and the reasons."""

from sizing.fit.context import FitContext
from sizing.fit.fitting import choose, fit_all, fit_context, fit_implant, measure_fit, with_reaming
from sizing.fit.model import Fit, Placement, Score, ZoneFit
from sizing.fit.rank import neighbours_of, rank_fits, toss_up_of
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
    "measure_fit",
    "neighbours_of",
    "rank_fits",
    "toss_up_of",
    "with_reaming",
]
