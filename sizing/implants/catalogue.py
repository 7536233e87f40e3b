"""The catalogue: families of implants as TOML files, one file per family, with a hash over what was read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any

from sizing.anatomy import Bone
from sizing.errors import CatalogueError
from sizing.implants.model import Catalogue, Fixation, ImplantTemplate, Preparation
from sizing.implants.schema import Table, combinations, read_bytes, read_toml
from sizing.implants.threads import iso_core_diameter_mm, iso_drill_diameter_mm
from sizing.strict import is_number

DATA_FOLDER = Path(__file__).parent / "data"
CATALOGUE_VERSION = "1"  # of the shipped rows; the hash tells apart what the version does not
TOOL_KINDS = ("rigid", "flexible", "curved", "drill")

_FAMILY_REQUIRED = {"id", "title", "fixation", "preparation", "reamer_kind", "bones"}
_FAMILY_OPTIONAL = {"diametral_under_ream_mm", "coating_thickness_mm"}
_ROW_REQUIRED = {"part_number", "diameter_mm", "length_mm", "provenance"}
_ROW_OPTIONAL = {
    "bow_radius_mm", "collar_over_stem_mm", "collar_diameter_mm", "tip_chamfer_mm", "profile_mm",
    "thread_pitch_mm", "core_diameter_mm", "drill_diameter_mm",
}  # fmt: skip


def load_catalogue(extra: Iterable[Path | str] = (), *, shipped: bool = True) -> Catalogue:
    """Read the shipped families and any file of the user.

    Parameters
    ----------
    extra : iterable of path
        More family files of the same schema; ``docs/method/catalogue.md`` shows one.
    shipped : bool
        False leaves the shipped families out.

    Returns
    -------
    Catalogue
        Implants in file order; ``sha256`` covers the bytes of every file read.

    Raises
    ------
    CatalogueError
        A row breaks the schema, or a part number occurs twice; names file and row.
    """
    own = sorted(p for p in DATA_FOLDER.glob("*.toml") if not p.name.startswith("reamers-")) if shipped else []
    paths = [*own, *(Path(p) for p in extra)]
    digest = hashlib.sha256()
    implants: list[ImplantTemplate] = []
    seen: dict[str, str] = {}
    for path in paths:
        raw = read_bytes(path)
        digest.update(len(raw).to_bytes(8, "big") + raw)
        for implant in _family(read_toml(path, raw)):
            if implant.part_number in seen:
                raise CatalogueError("CF-I013", "a part number occurs twice", where=path.name,
                                     measured=f"{implant.part_number}, also in {seen[implant.part_number]}",
                                     advice="Give each implant its own part_number")  # fmt: skip
            seen[implant.part_number] = path.name
            implants.append(implant)
    return Catalogue(tuple(implants), CATALOGUE_VERSION, digest.hexdigest(), tuple(p.name for p in paths))


def _family(top: Table) -> list[ImplantTemplate]:
    top.only({"schema", "family", "row"}, set())
    family = top.table("family")
    family.only(_FAMILY_REQUIRED, _FAMILY_OPTIONAL)
    common = {
        "family_id": family.text("id"),
        "fixation": _one_of(family, "fixation", Fixation),
        "preparation": _one_of(family, "preparation", Preparation),
        "reamer_kind": _tool_kind(family),
        "bones": _bones(family),
        "diametral_under_ream_mm": family.number("diametral_under_ream_mm", 0.0),
        "coating_thickness_mm": family.number("coating_thickness_mm", 0.0),
    }
    threaded = common["fixation"] is Fixation.THREADED
    if threaded != (common["preparation"] is Preparation.DRILL_TAP):
        raise family.fail("drill-tap belongs to threaded implants, and only to them")
    return [implant for row in top.rows() for implant in _row(row, common, threaded)]


def _row(row: Table, common: dict[str, Any], threaded: bool) -> list[ImplantTemplate]:
    row.only(_ROW_REQUIRED, _ROW_OPTIONAL)
    provenance = row.provenance()
    sizes = {"diameter_mm": row.numbers("diameter_mm"), "length_mm": row.numbers("length_mm")}
    if "bow_radius_mm" in row.values:
        sizes["bow_radius_mm"] = row.numbers("bow_radius_mm")
    found = []
    for size in combinations(**sizes):
        try:
            number = row.text("part_number").format(**size)
        except (KeyError, IndexError, ValueError) as error:
            raise row.fail("part_number names a field that is not a size", measured=str(error)) from error
        fields: dict[str, Any] = common | size | _shape(row, size)
        if threaded:
            fields |= _thread(row, size["diameter_mm"])
        try:
            found.append(ImplantTemplate(**fields, part_number=number, provenance=provenance))
        except CatalogueError as error:
            raise row.fail(error.what, measured=error.measured or error.where, expected=error.expected) from error
    return found


def _shape(row: Table, size: dict[str, float]) -> dict[str, Any]:
    """Return profile and collar of one size."""
    radius, length = size["diameter_mm"] / 2, size["length_mm"]
    fields: dict[str, Any] = {}
    if "profile_mm" in row.values:
        fields["profile_mm"] = _given_profile(row)
    else:
        chamfer = row.number("tip_chamfer_mm", 0.0)
        if chamfer >= min(radius, length):
            raise row.fail("the tip's chamfer is larger than the stem", measured=f"{chamfer:g} mm")
        tip = [[length - chamfer, radius], [length, radius - chamfer]] if chamfer else [[length, radius]]
        fields["profile_mm"] = [[0.0, radius], *tip]
    if "collar_diameter_mm" in row.values:
        fields["collar_diameter_mm"] = row.number("collar_diameter_mm", least=2 * radius)
    elif "collar_over_stem_mm" in row.values:
        fields["collar_diameter_mm"] = 2 * radius + row.number("collar_over_stem_mm")
    return fields


def _given_profile(row: Table) -> list[list[float]]:
    profile = row.values["profile_mm"]
    pairs = isinstance(profile, list) and all(isinstance(p, list) and len(p) == 2 for p in profile)
    if not pairs or not all(is_number(v) for p in profile for v in p):
        raise row.fail("profile_mm must be a list of [station, radius] in mm")
    return [[float(s), float(r)] for s, r in profile]


def _thread(row: Table, diameter_mm: float) -> dict[str, float]:
    """Return pitch, core and drill; what the row does not give follows the ISO 60 degree form."""
    pitch = row.number("thread_pitch_mm", least=0.1)
    return {
        "thread_pitch_mm": pitch,
        "core_diameter_mm": row.number("core_diameter_mm", iso_core_diameter_mm(diameter_mm, pitch)),
        "drill_diameter_mm": row.number("drill_diameter_mm", iso_drill_diameter_mm(diameter_mm, pitch)),
    }


def _one_of(table: Table, key: str, kind: type[StrEnum]) -> StrEnum:
    try:
        return kind(table.text(key))
    except ValueError as error:
        raise table.fail(f"{key} is not known", measured=table.text(key), expected=", ".join(kind)) from error


def _tool_kind(family: Table) -> str:
    kind = family.text("reamer_kind")
    if kind not in TOOL_KINDS:
        raise family.fail("reamer_kind is not known", measured=kind, expected=", ".join(TOOL_KINDS))
    return kind


def _bones(family: Table) -> tuple[str, ...]:
    bones = family.values.get("bones")
    known = [str(b) for b in Bone]
    if not isinstance(bones, list) or not bones or any(b not in known for b in bones):
        raise family.fail("bones must list bones that are known", measured=repr(bones), expected=", ".join(known))
    return tuple(bones)
