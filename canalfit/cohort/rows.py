"""Rows of the tables from one plan, or from a scan that was refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from canalfit import exit_codes
from canalfit.cohort.certainty import serve_probability
from canalfit.cohort.columns import CASES, FITS, STATION, TABLES
from canalfit.tables import csv_text
from sizing.findings import Level, needs_a_look
from sizing.fit.model import Fit
from sizing.planning import ImplantationPlan
from sizing.volume import CtVolume

Row = list[Any]
Key = tuple[str, str, str, str]  # case, bone, side, level


def table_text(name: str, rows: list[Row]) -> str:
    """Return one table as CSV text with its header."""
    return csv_text([column.name for column in TABLES[name]], rows)


def case_row(key: Key, patient: str, plan: ImplantationPlan, volume: CtVolume, input_sha256: str) -> Row:
    """Return the row of one plan."""
    values = {
        "patient": patient,
        "exit_code": exit_code_of(plan),
        "input_sha256": input_sha256,
        "slice_step_mm": volume.geometry.spacing_mm[0],
        "pixel_mm": volume.geometry.spacing_mm[1],
    }
    return _in_order(CASES, key, values | _of_bone(plan) | _of_canal(plan) | _of_choice(plan) | _of_findings(plan))


def refused_row(key: Key, patient: str, exit_code: int, input_sha256: str) -> Row:
    """Return the row of a case that was asked for and not planned: nothing in it is measured."""
    return _in_order(CASES, key, {"patient": patient, "exit_code": exit_code, "input_sha256": input_sha256})


def exit_code_of(plan: ImplantationPlan) -> int:
    """What ``canalfit plan`` returns for this plan."""
    if plan.chosen is None:
        return exit_codes.NOTHING_FITS
    return exit_codes.FINDINGS if needs_a_look(plan.findings) else exit_codes.OK


def _in_order(columns: tuple, key: Key, values: dict[str, Any]) -> Row:
    return [*key, *(values.get(column.name) for column in columns[len(key) :])]


def _of_bone(plan: ImplantationPlan) -> dict[str, Any]:
    bone = plan.residual_bone
    assert bone is not None  # a plan from a scan has one
    return {
        "side_source": bone.side_source,
        "resection_source": bone.resection_source,
        "resect_at_mm": plan.settings.resect_at_mm,
        "scanned_length_mm": bone.scanned_length_mm,
        "bone_is_whole": bone.whole,
    }


def _of_canal(plan: ImplantationPlan) -> dict[str, Any]:
    shape, sections, edges = plan.shape, plan.sections, plan.canal.edges
    same = (
        "isthmus_depth_mm", "isthmus_diameter_mm", "narrowest_depth_mm", "narrowest_diameter_mm", "bow_radius_mm",
        "bow_sagitta_mm", "canal_flare", "largest_ovality", "wall_min_mm", "wall_min_depth_mm",
    )  # fmt: skip
    return {name: getattr(shape, name) for name in same} | {
        "measured_length_mm": float(sections.depth_mm[-1] - sections.depth_mm[0]),
        "measured_share": float(np.mean(sections.measured_share)),
        "sigma_in_plane_mm": edges.sigma_in_plane_mm,
        "cortex_hu": edges.cortex_hu,
        "isthmus_diameter_se_mm": _error_at(plan, shape.isthmus_depth_mm),
        "narrowest_diameter_se_mm": _error_at(plan, shape.narrowest_depth_mm),
    }


def _error_at(plan: ImplantationPlan, depth_mm: float | None) -> float | None:
    if depth_mm is None:
        return None
    at = int(np.argmin(np.abs(plan.sections.depth_mm - depth_mm)))
    return float(plan.sections.inscribed_diameter_se_mm[at])


def _of_choice(plan: ImplantationPlan) -> dict[str, Any]:
    counts = {
        "n_implants_tried": len(plan.fits),
        "n_implants_that_can_serve": sum(f.serves for f in plan.fits),
    }
    fit = plan.chosen
    if fit is None:
        nearest = plan.fits[0]
        return counts | {
            "nearest_part_number": nearest.implant.part_number,
            "nearest_reason": "; ".join(nearest.rejected),
        }
    implant = fit.implant
    second = next((f for f in plan.fits if f.serves and not _same_size(f, fit)), None)
    return counts | {
        "family_id": implant.family_id,
        "part_number": implant.part_number,
        "fixation": implant.fixation.value,
        "diameter_mm": implant.diameter_mm,
        "length_mm": implant.length_mm,
        "stem_bow_radius_mm": implant.bow_radius_mm,
        "certainty": implant.provenance.certainty,
        "score": fit.score.total,
        "last_reamer_mm": implant.last_reamer_mm,
        "wall_left_mm": fit.wall_min_mm,
        "wall_left_depth_mm": fit.wall_min_depth_mm,
        "contact_share": fit.contact_share,
        "canal_fill": fit.canal_fill_volume,
        "diametral_interference_mm": fit.diametral_interference_mm,
        "graft_mm3": fit.graft_mm3,
        "second_part_number": second and second.implant.part_number,
        "second_score": second and second.score.total,
        "size_certainty": serve_probability(plan, fit),
        "size_doubt": plan.astray and plan.astray.size.words(),
        "size_is_coin_toss": plan.astray and plan.astray.size.coin_toss,
    }


def _same_size(a: Fit, b: Fit) -> bool:
    return (a.implant.family_id, a.implant.diameter_mm, a.implant.length_mm) == (
        b.implant.family_id,
        b.implant.diameter_mm,
        b.implant.length_mm,
    )


def _of_findings(plan: ImplantationPlan) -> dict[str, Any]:
    levels = [f.level for f in plan.findings]
    return {
        "n_critical": levels.count(Level.CRITICAL),
        "n_warnings": levels.count(Level.WARNING),
        "findings": " ".join(sorted({f.code for f in plan.findings if f.level is not Level.INFO})),
    }


def level_rows(key: Key, plan: ImplantationPlan, step_mm: float) -> list[Row]:
    """Return one row per station, the nearest measured level each."""
    depth = plan.sections.depth_mm
    wanted = np.arange(np.ceil(depth[0] / step_mm) * step_mm, depth[-1] + 1e-9, step_mm)
    at: Iterable[int] = np.unique(np.argmin(np.abs(depth[:, None] - wanted[None]), axis=0)) if len(wanted) else []
    return [[*key, *(float(getattr(plan.sections, column.name)[i]) for column in STATION)] for i in at]


def fit_rows(key: Key, plan: ImplantationPlan) -> list[Row]:
    """Return one row per implant that was tried, best first."""
    return [_in_order(FITS, key, _of_fit(plan, rank, fit)) for rank, fit in enumerate(plan.fits, 1)]


def _of_fit(plan: ImplantationPlan, rank: int, fit: Fit) -> dict[str, Any]:
    implant = fit.implant
    measured = (
        "shortfall", "wall_min_mm", "wall_min_depth_mm", "reamed_wall_min_mm", "contact_share", "contact_length_mm",
        "canal_fill_volume", "far_end_margin_mm", "seat_angle_deg", "unmeasured_share",
    )  # fmt: skip
    return {name: getattr(fit, name) for name in measured} | {
        "rank": rank,
        "chosen": plan.chosen is not None and implant.part_number == plan.chosen.implant.part_number,
        "can_serve": fit.serves,
        "serve_probability": serve_probability(plan, fit),
        "family_id": implant.family_id,
        "part_number": implant.part_number,
        "fixation": implant.fixation.value,
        "diameter_mm": implant.diameter_mm,
        "length_mm": implant.length_mm,
        "bow_radius_mm": implant.bow_radius_mm,
        "last_reamer_mm": implant.last_reamer_mm,
        "score": fit.score.total,
        "reason": "; ".join(fit.rejected) or fit.lost_because,
    }
