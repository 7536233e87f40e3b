"""The program measured by itself: phantoms whose truth is known, put through the whole line."""

from sizing.selfcheck.compare import Comparison, compare
from sizing.selfcheck.locator import true_residual_bone

__all__ = ["Comparison", "compare", "true_residual_bone"]
