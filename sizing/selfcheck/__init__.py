"""The program measured by itself: phantoms whose truth is known, put through the whole line."""

from sizing.selfcheck.compare import Comparison, compare
from sizing.selfcheck.locator import true_residual_bone
from sizing.selfcheck.run import LimbResult, SelfcheckReport, SelfcheckSettings, check_limb, run_selfcheck, true_canal
from sizing.selfcheck.summary import Row, goals_for, summarize

__all__ = [
    "Comparison",
    "LimbResult",
    "Row",
    "SelfcheckReport",
    "SelfcheckSettings",
    "check_limb",
    "compare",
    "goals_for",
    "run_selfcheck",
    "summarize",
    "true_canal",
    "true_residual_bone",
]
