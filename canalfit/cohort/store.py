"""The folder of results: one folder per case that is whole or absent, with a marker of what it was made from.

Nothing else is remembered between runs, so that a run that was killed leaves nothing to repair.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from canalfit.cohort.answer import UNWRITTEN, Answer
from canalfit.cohort.cases import Unit
from canalfit.folder import COHORT_FOLDER
from sizing.errors import InputError, UsageError

# What a file or folder may take on a disk beside its content.
_BLOCK = 4096
MARKER, RUNTIME, MANIFEST = "case.json", "runtime.json", "cohort.json"


@dataclass(frozen=True)
class Marker:
    """What a finished case was made from, and what its folder holds.

    Attributes
    ----------
    signature : str
        Of its unit; the quick test whether the files of the scan are those that were read.
    parts : int
        Cases that its unit holds.
    input_sha256 : str
        Over the content of the scan's files.
    request_sha256 : str
        Over settings, catalogue and version.
    final : bool
        False: timeout, memory or crash.
    files : dict of str to (size, SHA-256)
    """

    case: str
    patient: str
    signature: str
    parts: int
    groups: dict[str, str]
    input_sha256: str
    request_sha256: str
    final: bool
    failed: tuple[tuple[str, str], ...]
    files: dict[str, tuple[int, str]]

    @property
    def content(self) -> list:
        """What decides about the tables."""
        return [self.case, self.groups, self.files]


class Store:
    """The results of one cohort."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self.cases = self.folder / "cases"
        if self.folder.exists() and not self.folder.is_dir():
            raise UsageError(f"{folder} is a file; give a folder with --out")
        names = {p.name for p in self.folder.iterdir()} if self.folder.is_dir() else set()
        foreign = sorted(n for n in names - COHORT_FOLDER.names if not n.startswith((".lock", ".work-")))
        if foreign:
            raise UsageError(
                f"{folder} holds files that are no part of a cohort ({', '.join(foreign[:3])}); give another"
            )

    @contextmanager
    def lock(self, name: str = "") -> Iterator[None]:
        """Keep a second run of the same share out of the folder; the system lets go when the process ends."""
        fresh = not self.folder.exists()
        with writing(self.folder):
            self.cases.mkdir(parents=True, exist_ok=True)
            file = open(self.folder / f".lock{name}", "w")  # noqa: SIM115 (open as long as the run)
        with file:
            try:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except ImportError:  # only POSIX systems lock
                pass
            except OSError:
                raise UsageError(f"another run is writing into {self.folder}") from None
            if not name:
                for left in self.folder.glob(".work-*"):
                    shutil.rmtree(left, ignore_errors=True)
            try:
                yield
            finally:
                if fresh:
                    self._leave_no_empty_folder(f".lock{name}")

    def _leave_no_empty_folder(self, lock: str) -> None:
        """A run that ended before its first case leaves nothing, unless another share is there by now."""
        with suppress(OSError):
            if {p.name for p in self.folder.iterdir()} == {lock, self.cases.name}:
                self.cases.rmdir()
                (self.folder / lock).unlink()
                self.folder.rmdir()

    def markers(self) -> dict[str, Marker]:
        """Return the marker of every finished case, in the order of their names."""
        found = {}
        if self.cases.is_dir():
            for name in sorted(os.listdir(self.cases)):
                marker = self._marker(name)
                if marker is not None:
                    found[name] = marker
        return found

    def _marker(self, name: str) -> Marker | None:
        try:
            data = json.loads((self.cases / name / MARKER).read_bytes())
            files = {k: (int(v[0]), str(v[1])) for k, v in data.pop("files").items()}
            failed = tuple((code, words) for code, words in data.pop("failed"))
            return Marker(**data, files=files, failed=failed)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None  # not finished: will be done again

    def is_whole(self, marker: Marker) -> bool:
        """Return True if every file of a case is there in its size."""
        folder = os.path.join(self.cases, marker.case)
        try:
            return all(os.stat(os.path.join(folder, name)).st_size == size for name, (size, _) in marker.files.items())
        except OSError:
            return False

    def put(self, unit: Unit, answer: Answer, request_sha256: str, parts: int = 1) -> Marker:
        """Write a case's folder; it is there as a whole, or not at all."""
        files = {n: (len(b), hashlib.sha256(b).hexdigest()) for n, b in sorted(answer.files.items())}
        marker = Marker(
            answer.case, answer.patient, unit.signature, parts, unit.groups, answer.input_sha256, request_sha256,
            answer.final, answer.failed, files,
        )  # fmt: skip
        clock = {"seconds": answer.seconds, "memory_mb": answer.memory_mb, "attempts": answer.attempts}
        own = {MARKER: _json(asdict(marker)), RUNTIME: _json(clock)}
        with writing(self.folder):
            work = Path(tempfile.mkdtemp(prefix=f".work-{answer.case}-", dir=self.folder))
            try:
                for name, data in {**answer.files, **own}.items():
                    (work / name).parent.mkdir(exist_ok=True)
                    (work / name).write_bytes(data)
                work.chmod(0o755)
                self._place(work, self.cases / answer.case)
            finally:
                shutil.rmtree(work, ignore_errors=True)
        return marker

    def _place(self, work: Path, target: Path) -> None:
        if target.exists():
            old = Path(tempfile.mkdtemp(prefix=".work-old-", dir=self.folder))
            os.rename(target, old / target.name)
            shutil.rmtree(old, ignore_errors=True)
        os.rename(work, target)

    def update(self, marker: Marker) -> None:
        """Write a changed marker in one move: the case's tables stay as they are."""
        self.write(f"cases/{marker.case}/{MARKER}", _json(asdict(marker)))

    def drop(self, case: str) -> None:
        """Take a case's folder away, its marker first."""
        self.remove(f"cases/{case}/{MARKER}")
        shutil.rmtree(self.cases / case, ignore_errors=True)

    def has_room(self, answer: Answer) -> bool:
        """Return True if as much as a case's folder can be written now."""
        probe = self.folder / ".work-room"
        try:
            probe.write_bytes(bytes(sum(len(b) + _BLOCK for b in answer.files.values()) + 3 * _BLOCK))
        except OSError:
            return False
        finally:
            with suppress(OSError):
                probe.unlink()
        return True

    def write(self, name: str, data: bytes) -> None:
        """Write one file of the folder in one move."""
        with writing(self.folder):
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            work = path.with_name(f".work-{path.name}")
            try:
                work.write_bytes(data)
                os.replace(work, path)
            finally:
                work.unlink(missing_ok=True)

    def remove_tables(self) -> None:
        """Take everything away that is made of the cases."""
        for name in COHORT_FOLDER.names - {self.cases.name, "plots"}:
            self.remove(name)
        shutil.rmtree(self.folder / "plots", ignore_errors=True)

    def remove(self, name: str) -> None:
        """Take a file out of the folder if it is there."""
        with suppress(FileNotFoundError):
            (self.folder / name).unlink()


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say in one sentence that the disk does not take the results."""
    try:
        yield
    except OSError as error:
        raise InputError(
            UNWRITTEN, f"the results cannot be written ({error.strerror or type(error).__name__})", where=str(folder),
            advice="Make room or give another folder, and start again: finished cases are kept.",
        ) from error  # fmt: skip


def is_full(error: InputError) -> bool:
    """Return True if it is room that is wanting, on the disk or in a quota."""
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)


def _json(value: dict) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
