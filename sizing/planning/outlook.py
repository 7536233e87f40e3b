"""What may go astray with the choice of a plan, how sure its size is, and the bone to graft with."""

from __future__ import annotations

from dataclasses import replace

from sizing.fit import OUTLOOK_CODES, FitContext, astray_of, outlook_findings, size_doubt_of
from sizing.planning.model import ImplantationPlan
from sizing.reaming import graft_account


def with_outlook(plan: ImplantationPlan, context: FitContext) -> ImplantationPlan:
    """Return a plan with what may go astray and the graft account of its choice; for plans changed by hand as well."""
    fit, others = plan.chosen, tuple(f for f in plan.findings if f.code not in OUTLOOK_CODES)
    if fit is None:
        return replace(plan, astray=None, size=None, graft=None, findings=others)
    drawn = astray_of(context, fit, plan.fits, plan.settings.what_if)
    size = size_doubt_of(context, fit, plan.fits, plan.settings.what_if)
    graft = graft_account(fit.reamed, fit.gap_mm3, settings=plan.settings.graft) if fit.reamed else None
    found = (*others, *outlook_findings(fit, drawn, size))
    return replace(plan, astray=drawn, size=size, graft=graft, findings=found)
