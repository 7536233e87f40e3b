"""An oval canal that narrows away from the cut, as a plan: a stock stem touches little, a custom one can follow."""

from functools import cache

import numpy as np

from sizing.anatomy import Bone
from sizing.canal import Canal
from sizing.implants import load_catalogue
from sizing.planning import ImplantationPlan, PlanSettings, plan_canal


def oval_canal() -> Canal:
    """Semi-axes 9 x 6.6 mm at the cut, 1.5 % narrower every 10 mm; wall 6 mm."""
    t = np.arange(256) * (2 * np.pi / 256)
    depth = np.arange(0.0, 161.0, 2.0)
    scale = 1 - 0.0015 * depth
    inner = [np.stack([9.0 * k * np.cos(t), 6.6 * k * np.sin(t)], 1) for k in scale]
    outer = [np.stack([(9.0 * k + 6) * np.cos(t), (6.6 * k + 6) * np.sin(t)], 1) for k in scale]
    return Canal.from_sections(depth, inner, outer, n_angles=128)


@cache
def oval_plan() -> ImplantationPlan:
    """The plan with straight press-fit stems only."""
    settings = PlanSettings(bone=Bone.FEMUR, families=("generic-pressfit-straight",), max_stem_length_mm=120)
    return plan_canal(oval_canal(), load_catalogue(), settings)
