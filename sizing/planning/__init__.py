"""From a CT volume to an implantation plan: the one room that walks through all others."""

from sizing.planning.case import plan_canal, plan_case
from sizing.planning.model import Ancestry, ImplantationPlan, PlanSettings, Review
from sizing.planning.outlook import with_outlook

__all__ = ["Ancestry", "ImplantationPlan", "PlanSettings", "Review", "plan_canal", "plan_case", "with_outlook"]
