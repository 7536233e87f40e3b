"""Findings: what the program noticed, as data. The caller decides what stops the work."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    INFO = "info"  # recorded, nothing to look at
    WARNING = "warning"  # a person should look (exit code 10)
    CRITICAL = "critical"  # the plan must not be used before this is resolved (exit code 10)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing noticed.

    Attributes
    ----------
    level : Level
    code : str
        Stable: ``CF-D`` DICOM, ``CF-S`` segmentation, ``CF-C`` canal, ``CF-R`` reaming,
        ``CF-I`` implants, ``CF-F`` fit, ``CF-V`` viewer and report, then three digits.
    message, advice : str
        One sentence each.
    depth_mm : float or None
        Level along the canal from the resection plane, growing proximally.
    direction : str or None
        Anatomical direction in words ("anterolateral"), where one applies.
    """

    level: Level
    code: str
    message: str
    advice: str = ""
    depth_mm: float | None = None
    direction: str | None = None

    def __post_init__(self) -> None:
        if not (self.code.startswith("CF-") and self.message):
            raise ValueError(f"a finding needs a CF- code and a message, got {self.code!r}")


# What the plan runs into comes before how well the scan shows it: fit, reaming, canal, implants, bone; then the rest.
_ROOMS = "FRCIS"


def by_importance(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings, most important first: by level, then by room, else in their order; each sentence once."""
    levels = [Level.CRITICAL, Level.WARNING, Level.INFO]
    unique = list({(f.code, f.message): f for f in findings}.values())
    return sorted(unique, key=lambda f: (levels.index(f.level), (_ROOMS + f.code[3]).index(f.code[3])))


def needs_a_look(findings: Iterable[Finding]) -> bool:
    """Return True if any finding is more than information."""
    return any(f.level is not Level.INFO for f in findings)
