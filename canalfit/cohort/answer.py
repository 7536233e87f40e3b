"""What travels between the run and its workers: a job out, an answer back."""

from __future__ import annotations

from dataclasses import dataclass, field

from canalfit.cohort.cases import Unit
from canalfit.cohort.settings import CohortSettings, Question
from dicom_io import SeriesList

# Failures that another attempt, or more room, may mend.
CRASHED, TIMED_OUT, OUT_OF_MEMORY = "CF-A022", "CF-A023", "CF-A024"
INTERNAL, DUPLICATE, UNUSABLE_ROW, BONE_NOT_WHOLE = "CF-A021", "CF-A025", "CF-A026", "CF-A027"
UNWRITTEN = "CF-A028"  # planned, but there was no room for its files
NOT_FINAL = (CRASHED, TIMED_OUT, OUT_OF_MEMORY, UNWRITTEN)
# Stands for the place of a scan, which is in no table: it may be a patient's name.
WHOLE_SCAN = "(scan)"


@dataclass(frozen=True)
class Job:
    """One scan and everything that is asked of it.

    Attributes
    ----------
    known : frozenset of str
        Input hashes of finished cases whose files could not be recognised by name, size and time.
    look_only : bool
        Read the headers and say what would be done.
    """

    unit: Unit
    question: Question
    settings: CohortSettings
    catalogue_sha256: str
    known: frozenset[str] = frozenset()
    look_only: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What one case may use."""

    seconds: float = 600.0
    memory_mb: float = 4096.0


@dataclass(frozen=True)
class Answer:
    """What became of a job.

    Attributes
    ----------
    case, patient : str
        Pseudonyms; empty for a unit that has to be split.
    input_sha256 : str
        Over the files that were read; empty where none could be.
    files : dict of str to bytes
        What the case's folder holds, by relative name.
    failed : tuple of (str, str)
        Code and sentence of each failure.
    plans : int
        Rows that hold a plan.
    parts : tuple of SeriesList
        The studies of a unit that holds several; each is a job of its own.
    same_as_known : bool
        The scan is one of ``Job.known``: nothing was planned.
    description : str
        For a job that only looked.
    """

    case: str = ""
    patient: str = ""
    input_sha256: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    failed: tuple[tuple[str, str], ...] = ()
    plans: int = 0
    parts: tuple[SeriesList, ...] = ()
    same_as_known: bool = False
    description: str = ""
    seconds: float = 0.0
    memory_mb: float = 0.0
    attempts: int = 1

    @property
    def outcome(self) -> str:
        """Whether anything of the scan was planned, or it was refused, or failed."""
        if self.plans or not self.failed:
            return "planned"
        return "failed" if any(code in (*NOT_FINAL, INTERNAL) for code, _ in self.failed) else "refused"

    @property
    def final(self) -> bool:
        """Trying again would give the same."""
        return not any(code in NOT_FINAL for code, _ in self.failed)
