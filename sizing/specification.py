"""The specification of a custom stem: the document an engineer makes it from, and a surgeon signs.

It holds what canalfit knows, and leaves empty what only the prescriber or the maker can give. It is
not a prescription and never calls itself one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sizing.customise import CustomPlan
from sizing.errors import UsageError
from sizing.fit.view import LEAST_SEEN
from sizing.implants.custom_settings import CustomSettings
from sizing.implants.shape import section_properties
from sizing.implants.shape_table import whole_stem_cells
from sizing.implants.solid import Deviation
from sizing.intended_use import RESEARCH_USE
from sizing.planning import ImplantationPlan
from sizing.record import Provenance
from sizing.record.canonical import canonical_json, seal
from sizing.record.codec import encode

SCHEMA = "canalfit-custom-specification"
SCHEMA_VERSION = 1

# Fields that are required and empty: no default of ours could be right.
ONLY_THE_MAKER = (
    "tolerances_mm", "surface_roughness_um", "coating_process", "material_standard", "material_lot", "cleaning",
    "sterilisation", "marking_and_label", "taper_drawing",
)  # fmt: skip
ONLY_THE_PRESCRIBER = ("prescriber", "prescription_reference", "design_characteristics_confirmed", "date")
SIGN_OFF = ("designed_by", "checked_by", "approved_by", "date")

# Density of Ti-6Al-4V ELI, for a first idea of the mass; the material is the maker's.
ASSUMED_DENSITY_G_CM3 = 4.43
# Step of the section table in the specification; rows of the stem's own table stand between.
TABLE_STEP_MM = 5.0


@dataclass(frozen=True)
class SolidFacts:
    """What was written as a solid, and how far it is from the section table."""

    files: tuple[str, ...]
    mesh: Deviation
    files_sha256: dict[str, str] = field(default_factory=dict)
    step_volume_relative: float | None = None  # None: no STEP was written
    step_note: str = ""


def specification_record(
    custom: CustomPlan,
    plan: ImplantationPlan,
    provenance: Provenance,
    solid: SolidFacts,
    supersedes: dict[str, Any] | None = None,
) -> tuple[dict[str, Any], str]:
    """Return the specification as plain data with its own hash in it, and its canonical text.

    Parameters
    ----------
    custom : CustomPlan
        The stem in its place.
    plan : ImplantationPlan
        The plan it was designed from.
    provenance : Provenance
        Version and hashes of that plan.
    solid : SolidFacts
        What was written beside the specification.
    supersedes : dict, optional
        The specification record that this one replaces; its version is counted on.

    Raises
    ------
    UsageError
        ``supersedes`` is of another case.
    """
    case = _case(plan, provenance)
    if supersedes is not None and supersedes["case"]["pseudonym"] != case["pseudonym"]:
        raise UsageError("the specification to supersede is of another case; leave --supersedes out")
    record = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "intended_use": RESEARCH_USE,
        "not_a_prescription": "A specification for discussion. A custom-made device needs a written prescription.",
        "version": 1 if supersedes is None else int(supersedes["version"]) + 1,
        "supersedes": None if supersedes is None else supersedes["specification_id"],
        "case": case,
        "datum": _datum(custom),
        "form": _form(custom),
        "sections": section_rows(custom),
        "shape": encode(custom.design.implant.stem_shape),
        "preparation": _preparation(custom),
        "wall": _wall(custom),
        "solid": _solid(custom, solid),
        "insertion": encode({k: v for k, v in vars(custom.design.insertion).items() if k != "seated_gap_mm"}),
        "comparison": {"verdict": custom.verdict, "best_stock": [f.implant.part_number for f in custom.stock],
                       "measures": encode(custom.compared), "not_told": not_told(custom)},
        "measurement_doubt": _doubt(plan, custom),
        "settings": encode(custom.design.settings),
        "settings_meaning": settings_meaning(),
        "findings": encode(custom.findings),
        "open_questions": open_questions(custom),
        "required_from_the_maker": dict.fromkeys(ONLY_THE_MAKER),
        "required_from_the_prescriber": dict.fromkeys(ONLY_THE_PRESCRIBER),
        "sign_off": dict.fromkeys(SIGN_OFF),
        "status": "DRAFT",
    }  # fmt: skip
    record["specification_id"] = "CFS-" + hashlib.sha256(canonical_json(record).encode()).hexdigest()[:12].upper()
    return seal(record)


def _case(plan: ImplantationPlan, provenance: Provenance) -> dict[str, Any]:
    canal = plan.canal
    return {
        "pseudonym": plan.scan.pseudonym,
        "bone": canal.bone and canal.bone.value,
        "side": canal.side and canal.side.value,
        "resection_removed_mm": plan.residual_bone and plan.residual_bone.stump_removed_mm,
        "plan_sha256": provenance.plan_sha256,
        "input_sha256": provenance.input_sha256,
        "canalfit_version": provenance.canalfit_version,
    }


def _datum(custom: CustomPlan) -> dict[str, Any]:
    axis = custom.fit.placement.axis
    return {
        "words": "Origin on the stem's axis at the facing plane (the collar's seat). z along the axis to the tip; x "
        "towards the centre of the bow, or anterior as scanned for a straight stem; y = z x x. Right-handed, mm.",
        "implant_to_lps": custom.fit.placement.implant_to_lps.tolist(),
        "bow_radius_mm": axis.bow_radius_mm,
        "seat_angle_deg": custom.fit.seat_angle_deg,
    }


def _form(custom: CustomPlan) -> dict[str, Any]:
    implant, settings = custom.design.implant, custom.design.settings
    return {
        "length_mm": implant.length_mm,
        "largest_diameter_mm": implant.diameter_mm,
        "section": settings.section,
        "profile": settings.profile,
        "tip": {"form": settings.tip_form, "length_mm": settings.tip_length_mm},
        "collar": {
            "diameter_mm": implant.collar_diameter_mm,
            "thickness_mm": implant.collar_thickness_mm,
            "seat_angle_to_axis_deg": 90.0,
        },
        "splines": encode(implant.stem_shape.splines) if implant.stem_shape.splines else None,
        "zones": encode(settings.zones),
        "holes": encode(settings.holes),
        "adapter": settings.adapter or None,
    }


def section_rows(custom: CustomPlan) -> list[dict[str, Any]]:
    """Return the section table, one row per station: shape, size, constants, hole, interference, wall."""
    design = custom.design
    shape, cavity = design.implant.stem_shape, design.cavity
    # With the rows of the stem's own table the numbers between two rows are linear, so that the table is the stem.
    stations = np.union1d(np.arange(0.0, shape.length_mm - 1e-6, TABLE_STEP_MM), shape.breaks_mm)
    constants = section_properties(shape, stations)
    rows = []
    for i, s in enumerate(stations):
        level = int(np.argmin(np.abs(cavity.station_mm - s)))
        row = {
            "station_mm": float(s),
            "shape": design.settings.section,
            "semi_axis_a_mm": float(np.interp(s, shape.station_mm, shape.semi_axes_mm[:, 0])),
            "semi_axis_b_mm": float(np.interp(s, shape.station_mm, shape.semi_axes_mm[:, 1])),
            "exponent": float(np.interp(s, shape.station_mm, shape.exponent)),
            "orientation_deg": float(np.interp(s, shape.station_mm, shape.orientation_deg)),
            "offset_x_mm": float(np.interp(s, shape.station_mm, shape.offset_mm[:, 0])),
            "offset_y_mm": float(np.interp(s, shape.station_mm, shape.offset_mm[:, 1])),
            "area_mm2": constants.area_mm2[i],
            "i_xx_mm4": constants.i_xx_mm4[i],
            "i_yy_mm4": constants.i_yy_mm4[i],
            "section_modulus_x_mm3": constants.modulus_x_mm3[i],
            "section_modulus_y_mm3": constants.modulus_y_mm3[i],
            "diametral_interference_mm": 2 * design.meant_interference_mm[level],
            "hole_radius_min_mm": _least(cavity.hole_radius_mm[level]),
            "hole_radius_max_mm": -_least(-cavity.hole_radius_mm[level]),
            "wall_left_min_mm": _least(design.wall_left_mm[level]),
        }
        rows.append({k: _plain(v) for k, v in row.items()} | {"tolerance_mm": None} | whole_stem_cells(shape))
    return rows


def _preparation(custom: CustomPlan) -> dict[str, Any]:
    passes = custom.fit.reaming_plan.passes
    broach = custom.design.settings.broach_per_side_mm
    return {
        "reamers": [
            {"kind": p.reamer.kind.value, "diameter_mm": p.reamer.diameter_mm, "depth_mm": p.depth_mm} for p in passes
        ],
        "broach": {"shape": "the stem's own section table", "largest_cut_per_side_mm": broach} if broach else None,
        "preparations_tried": custom.preparations_tried,
    }


def _wall(custom: CustomPlan) -> dict[str, Any]:
    """The wall after preparation, as an assertion that holds or does not."""
    fit, limit = custom.fit, custom.design.settings.min_wall_mm
    cut = fit.reamed_wall_min_mm
    return {
        "assertion": f"where a tool cuts, at least {limit:.2f} mm of wall stay",
        "limit_mm": limit,
        "least_where_cut_mm": _plain(cut),
        "least_where_cut_depth_mm": _plain(fit.reamed_wall_min_depth_mm),
        "least_where_cut_direction": fit.reamed_wall_min_direction,
        "least_anywhere_mm": _plain(fit.wall_min_mm),
        "holds": bool(cut >= limit - 0.05) if np.isfinite(cut) else None,
    }


def _solid(custom: CustomPlan, solid: SolidFacts) -> dict[str, Any]:
    volume = custom.design.solid.volume_mm3
    return {
        "files": list(solid.files),
        "files_sha256": dict(solid.files_sha256),
        "units": "mm",
        "volume_mm3": volume,
        "volume_is": _volume_words(custom),
        "mass_g": volume / 1000 * ASSUMED_DENSITY_G_CM3,
        "mass_assumes": f"{ASSUMED_DENSITY_G_CM3} g/cm³ (Ti-6Al-4V ELI); the material is the maker's",
        "mesh_deviation_worst_mm": solid.mesh.worst_mm,
        "mesh_deviation_mean_mm": solid.mesh.mean_mm,
        "mesh_volume_relative": solid.mesh.volume_relative,
        "step_volume_relative": solid.step_volume_relative,
        "step_note": solid.step_note,
    }


def _volume_words(custom: CustomPlan) -> str:
    n = len(custom.design.solid.holes)
    return "stem and collar" + (f", {'one screw hole' if n == 1 else f'{n} screw holes'} taken off" if n else "")


def _doubt(plan: ImplantationPlan, custom: CustomPlan) -> dict[str, Any]:
    canal = plan.canal
    along = canal.axis.depth_mm <= custom.design.implant.length_mm
    doubt = {"edge_model": encode(canal.edges), "canal_surface_se_mm": None, "outer_surface_se_mm": None}
    for name, values in (
        ("canal_surface_se_mm", canal.endosteal_se_mm),
        ("outer_surface_se_mm", canal.periosteal_se_mm),
    ):
        if values is not None and np.isfinite(values[along]).any():
            doubt[name] = {
                "median": float(np.nanmedian(values[along])),
                "worst_tenth": float(np.nanquantile(values[along], 0.9)),
            }
    doubt["unmeasured_share"] = float(1.0 - canal.measured[along].mean())
    return doubt


def open_questions(custom: CustomPlan) -> list[str]:
    """Return what somebody has to decide before the stem is made."""
    asked = [
        "Tolerances of stem, coating and broach: which, and does the meant fit hold at their limits?",
        "Rotation: the section's orientation is told from anterior as scanned; which landmark shows it in theatre?",
    ]
    if not custom.design.settings.adapter:
        asked.append("Taper or adapter end: which, and its drawing?")
    if not custom.design.settings.zones:
        asked.append("Coating: which zones, which thickness? The section table is the outer surface, coating included.")
    asked += [f"{f.message}." if not f.message.endswith(".") else f.message for f in custom.findings]
    return asked


def not_told(custom: CustomPlan) -> list[str]:
    """Return why volumes of the comparison cannot be told, where they cannot."""
    names = [
        "this stem" if fit is custom.fit else fit.implant.part_number
        for fit in (custom.fit, *custom.stock)
        if not np.isfinite(fit.gap_mm3 + fit.graft_mm3)
    ]
    if not names:
        return []
    return [
        f"Gap and graft of {' and '.join(names)} cannot be told: on more than a tenth of the length, less than "
        f"{LEAST_SEEN:.0%} of the canal's circumference is measured."
    ]


def settings_meaning() -> dict[str, dict[str, str]]:
    """Return unit and reason of every setting."""
    from dataclasses import fields

    return {f.name: dict(f.metadata) for f in fields(CustomSettings) if f.metadata}


def _least(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.min()) if len(known) else float("nan")


def _plain(value: Any) -> Any:
    """Return a number as JSON has it: "cannot tell" is null."""
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
