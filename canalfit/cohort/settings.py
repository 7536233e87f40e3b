"""What a cohort asks of every scan, read strictly from a TOML file; groups may ask for something else."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from sizing.anatomy import Bone, Side
from sizing.errors import UsageError
from sizing.record.canonical import canonical_json
from sizing.record.codec import encode
from sizing.strict import build

PLANS = ("chosen", "all", "none")


@dataclass(frozen=True)
class Question:
    """What is planned in one scan.

    Attributes
    ----------
    bones : tuple of Bone
        Empty: told from the scan.
    side : Side or None
        None: told from the scan; where both sides are in it, both are planned.
    at_mm, at_bone_share, at_scan_share : tuple of float
        Virtual amputations: above the lowest bone in mm; as a share of the length of a bone that is in the scan
        with both its joints; as a share of the length of bone that the scan covers. All empty: the bone as it is.
    """

    bones: tuple[Bone, ...] = ()
    side: Side | None = None
    distal: str | None = None
    at_mm: tuple[float, ...] = ()
    at_bone_share: tuple[float, ...] = ()
    at_scan_share: tuple[float, ...] = ()
    wall_limit_mm: float = 2.0
    max_stem_length_mm: float | None = None
    families: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.distal not in (None, "low", "high"):
            raise _wrong("plan.distal", self.distal, "low or high")
        if any(not 0 < v < 10_000 for v in self.at_mm):
            raise _wrong("plan.at_mm", list(self.at_mm), "lengths above 0")
        if any(not 0 < v < 1 for v in (*self.at_bone_share, *self.at_scan_share)):
            raise _wrong("plan.at_bone_share, plan.at_scan_share", "a value outside", "shares between 0 and 1")


@dataclass(frozen=True)
class Reading:
    """What the reader may repair, by the names of `dicom_io.ReadOptions`."""

    allow_gap: int = 0
    resample: bool = False
    assume_hu: bool = False
    allow_uncalibrated: bool = False


@dataclass(frozen=True)
class Implants:
    """Implants beside the catalogue; paths are relative to the settings file."""

    catalogue: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    own_last_reamer_mm: float | None = None


@dataclass(frozen=True)
class Output:
    """What is kept of each case.

    Attributes
    ----------
    station_step_mm : float
        Distance of the rows of levels.csv.
    plans : str
        "chosen": plan.json with the chosen implant, its neighbours and the best ones; "all": with every fit; "none".
    thumbnails : bool
    """

    station_step_mm: float = 5.0
    plans: str = "chosen"
    thumbnails: bool = True

    def __post_init__(self) -> None:
        if self.plans not in PLANS:
            raise _wrong("output.plans", self.plans, ", ".join(PLANS))
        if not 1 <= self.station_step_mm < 1000:
            raise _wrong("output.station_step_mm", self.station_step_mm, "1 mm or more")


@dataclass(frozen=True)
class Shelf:
    """The question for the shelf: shares of people to serve, and how certain a size must be to count."""

    shares: tuple[float, ...] = (0.90, 0.95, 0.99)
    certainty: float = 0.90
    seed: int = 1

    def __post_init__(self) -> None:
        if any(not 0 < s <= 1 for s in self.shares) or not 0.5 <= self.certainty < 1:
            raise _wrong("shelf", "a share outside", "shares above 0 and up to 1, certainty 0.5 to below 1")


@dataclass(frozen=True)
class CohortSettings:
    """All settings; ``groups`` holds (group values, what they change in ``plan``)."""

    plan: Question = Question()
    reading: Reading = Reading()
    implants: Implants = Implants()
    output: Output = Output()
    shelf: Shelf = Shelf()
    groups: tuple[tuple[dict[str, str], dict[str, Any]], ...] = field(default=())
    folder: str = ""  # of the settings file; never hashed

    def question_for(self, groups: dict[str, str], own: dict[str, Any]) -> Question:
        """Return what is asked of one case: the plan, changed by its groups in order, then by its own row."""
        changes: dict[str, Any] = {}
        for where, change in self.groups:
            if all(groups.get(name) == value for name, value in where.items()):
                changes |= change
        return replace(self.plan, **changes, **{k: v for k, v in own.items() if v not in (None, ())})

    def files(self, names: tuple[str, ...]) -> tuple[Path, ...]:
        """Return paths beside the settings file."""
        return tuple(Path(self.folder) / name for name in names)

    def to_plain(self) -> dict[str, Any]:
        """Return the settings as plain data, without the folder they lie in."""
        plain = {f.name: encode(getattr(self, f.name)) for f in fields(self) if f.name not in ("groups", "folder")}
        rules = [{"where": where, "plan": {k: encode(v) for k, v in plan.items()}} for where, plan in self.groups]
        return plain | {"groups": rules}


def load_settings(path: Path | None) -> CohortSettings:
    """Read a settings file; None gives the defaults.

    Raises
    ------
    UsageError
        The file cannot be read, or holds a name or a value that means nothing.
    """
    if path is None:
        return CohortSettings()
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: the settings cannot be read: {error}") from None
    return settings_from(data, str(Path(path).resolve().parent))


def settings_from(data: dict[str, Any], folder: str = "") -> CohortSettings:
    """Build settings from plain data; see `load_settings`."""
    rules = data.get("groups", [])
    if not isinstance(rules, list):
        raise _wrong("groups", "one table", "[[groups]], each with where = {...} and plan = {...}")
    plain = {k: v for k, v in data.items() if k != "groups"}
    if "folder" in plain:
        raise _wrong("folder", "an unknown name", "no such setting")
    return replace(build(CohortSettings, plain, _wrong), groups=tuple(map(_rule, rules)), folder=folder)


def _rule(rule: Any) -> tuple[dict[str, str], dict[str, Any]]:
    if (
        not isinstance(rule, dict)
        or set(rule) != {"where", "plan"}
        or not all(isinstance(v, dict) for v in rule.values())
    ):
        raise _wrong("groups", str(rule), "where = {...} and plan = {...}")
    changed = build(Question, rule["plan"], _wrong, "groups.plan")
    return {k: str(v) for k, v in rule["where"].items()}, {name: getattr(changed, name) for name in rule["plan"]}


def _wrong(where: str, measured: object, expected: str) -> UsageError:
    return UsageError(f"settings: {where or 'top level'} is {measured}; expected {expected}")


def hash_of(*parts: Any) -> str:
    """Return the SHA-256 of plain data."""
    return hashlib.sha256(canonical_json(list(parts)).encode()).hexdigest()
