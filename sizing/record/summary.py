"""The answer in a few lines of plain data: what the command line prints and a cohort tabulates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sizing.fit.model import Fit
from sizing.record.codec import encode

if TYPE_CHECKING:
    from sizing.planning import ImplantationPlan


def summarize(plan: ImplantationPlan) -> dict[str, Any]:
    """Return the main numbers of a plan, each with its unit in its key; null is "cannot tell"."""
    canal = plan.canal
    return {
        "bone": encode(canal.bone),
        "side": encode(canal.side),
        "resection_source": plan.residual_bone.resection_source if plan.residual_bone else None,
        "measured_length_mm": float(canal.axis.depth_mm[-1] - canal.axis.depth_mm[0]),
        "implant": None if plan.chosen is None else _implant(plan.chosen),
        "reaming": None if plan.chosen is None else _reaming(plan.chosen),
        "fit": None if plan.chosen is None else _fit(plan.chosen),
        "n_implants_tried": len(plan.fits),
        "n_implants_that_can_serve": sum(not f.rejected for f in plan.fits),
        "n_findings": len(plan.findings),
        "findings": encode(plan.findings),
    }


def _implant(fit: Fit) -> dict[str, Any]:
    i = fit.implant
    return {
        "family_id": i.family_id,
        "part_number": i.part_number,
        "fixation": i.fixation.value,
        "diameter_mm": i.diameter_mm,
        "length_mm": i.length_mm,
        "bow_radius_mm": i.bow_radius_mm,
        "certainty": i.provenance.certainty,
    }


def _reaming(fit: Fit) -> dict[str, Any]:
    passes = fit.reaming_plan.passes
    reamed = fit.reamed
    return {
        "reamer_diameters_mm": [p.reamer.diameter_mm for p in passes],
        "last_reamer_mm": passes[-1].reamer.diameter_mm if passes else None,
        "depth_mm": passes[-1].depth_mm if passes else None,
        "first_contact_diameter_mm": None if reamed is None else encode(reamed.first_contact_diameter_mm),
        "first_contact_depth_mm": None if reamed is None else encode(reamed.first_contact_depth_mm),
        "harvested_cortical_mm3": None if reamed is None else encode(reamed.harvested_cortical_mm3),
        "harvested_cancellous_mm3": None if reamed is None else encode(reamed.harvested_cancellous_mm3),
    }


def _fit(fit: Fit) -> dict[str, Any]:
    names = (
        "wall_min_mm", "wall_min_depth_mm", "wall_min_direction", "wall_min_tip_mm", "wall_min_collar_mm",
        "native_wall_min_mm", "contact_share", "canal_fill_volume", "gap_mm3", "graft_mm3",
        "diametral_interference_mm", "tip_to_isthmus_mm", "protrusion_mm",
    )  # fmt: skip
    return {name: encode(getattr(fit, name)) for name in names} | {"score": encode(fit.score.total)}
