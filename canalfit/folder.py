"""A result folder is whole or absent: written beside its place, then put there in one move."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sizing.errors import UsageError

# Own implants of one plan that do not go in and get files of the nearest shape that does.
MOST_SHAVED = 9


@dataclass(frozen=True)
class FolderKind:
    """Every name that a folder of one kind may hold; anything else in it is somebody's, and is not replaced.

    Attributes
    ----------
    what : str
        What the folder holds, for messages.
    master : str
        The file that makes the folder one of its kind; put there last.
    names : frozenset of str
    """

    what: str
    master: str
    names: frozenset[str]


PLAN_FOLDER = FolderKind(
    "a plan",
    "plan.json",
    frozenset({
        "plan.json", "sections.csv", "reaming.csv", "fits.csv", "zones.csv", "envelope.csv",
        "what_if.csv", "wall.csv", "report.pdf", "report.html", "scene.png", "wall.ply",
        "bone.stl", "canal.stl", "reamed_canal.stl", "implant.stl",
        *(f"nearest_insertable_{n}.{end}" for n in range(1, MOST_SHAVED + 1) for end in ("csv", "stl")),
    }),
)  # fmt: skip
SPECIFICATION_FOLDER = FolderKind(
    "a specification",
    "spec.json",
    frozenset(
        {"spec.json", "sections.csv", "contours.csv", "spec.pdf", "spec.html", "stem.stl", "stem.3mf", "stem.step"}
    ),
)

_COHORT_TABLES = (
    "cases", "levels", "fits", "failures", "runtime", "dictionary", "shelf", "shelf_sizes", "coverage", "custom",
    "distributions",
)  # fmt: skip
COHORT_FOLDER = FolderKind(
    "a cohort",
    "cohort.json",
    frozenset({
        "cohort.json", "cases", "plots", "index.html",
        *(f"{name}.{kind}" for name in _COHORT_TABLES for kind in ("csv", "parquet")),
    }),
)  # fmt: skip


@contextmanager
def whole_or_absent(target: Path, kind: FolderKind = PLAN_FOLDER, *, force: bool = False) -> Iterator[Path]:
    """Give a temporary folder; on leaving without an error, put its content at ``target``.

    A new or earlier folder of this kind is replaced as a whole. With ``force`` a folder that holds
    other files as well keeps them, and only files of our names are replaced, the master last.
    """
    check_target(target, kind, force=force)
    target = target.resolve()
    work = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{target.name}-", suffix=".partial", dir=target.parent))
        yield work
        os.chmod(work, 0o777 & ~_umask())  # mkdtemp makes it private; the result is an ordinary folder
        if _foreign(target, kind):
            _move_into(work, target, kind)
        else:
            _replace(work, target)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(
            f"{target} cannot be written ({reason}); nothing was left there. Give a place with room and the right "
            "to write, with --out"
        ) from error
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)


def check_outside(target: Path, source: Path) -> None:
    """Raise UsageError if results would come to lie among the files of a scan, which is then no longer the same."""
    if source.is_dir() and target.resolve().is_relative_to(source.resolve()):
        raise UsageError(f"{target} lies inside the scan's folder {source}; give a folder outside it with --out")


def check_target(target: Path, kind: FolderKind = PLAN_FOLDER, *, force: bool = False) -> None:
    """Raise UsageError if a folder of this kind must not be written there."""
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file; give a folder with --out")
    foreign = _foreign(target, kind)
    if foreign and not force:
        raise UsageError(
            f"{target} holds files that are no part of {kind.what} ({', '.join(foreign[:3])}); "
            "give another folder with --out, or --force to write beside them"
        )


def _foreign(target: Path, kind: FolderKind) -> list[str]:
    if not target.is_dir():
        return []
    return sorted(p.name for p in target.iterdir() if p.name not in kind.names or p.is_dir())


def _replace(work: Path, target: Path) -> None:
    if not target.exists():
        os.rename(work, target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}-", suffix=".old", dir=target.parent))
    os.rename(target, old / target.name)
    try:
        os.rename(work, target)
    except OSError:
        os.rename(old / target.name, target)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _move_into(work: Path, target: Path, kind: FolderKind) -> None:
    for name in sorted(kind.names - {kind.master}):
        if (work / name).exists():
            os.replace(work / name, target / name)
        else:
            (target / name).unlink(missing_ok=True)
    os.replace(work / kind.master, target / kind.master)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
