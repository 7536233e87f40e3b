"""Errors of canalfit: one base, few children, each with the exit code the command line returns.

An error is one sentence for a person: what is wrong, where, what was measured against what
was expected, and what to do. Everything that a caller may want to decide on is a field.
"""

from __future__ import annotations


class CanalfitError(Exception):
    """Base of every error that canalfit raises on purpose."""

    exit_code = 70


class UsageError(CanalfitError):
    """The caller asked for something that cannot be meant (exit code 2)."""

    exit_code = 2


class InputError(CanalfitError):
    """Input was read and is refused (exit code 3).

    Parameters
    ----------
    code : str
        Stable code, for example ``"CF-D001"``; never reused for another meaning.
    what : str
        What is wrong, a clause without a full stop.
    where : str
        File, series, level or field it is about.
    measured, expected : str
        Both sides of the comparison, with units.
    advice : str
        What the user can do now.
    """

    exit_code = 3

    def __init__(
        self,
        code: str,
        what: str,
        *,
        where: str = "",
        measured: str = "",
        expected: str = "",
        advice: str = "",
    ) -> None:
        self.code = code
        self.what = what
        self.where = where
        self.measured = measured
        self.expected = expected
        self.advice = advice
        super().__init__(self.sentence())

    def sentence(self) -> str:
        """Return the whole message in one line."""
        text = f"{self.code}: {self.what}"
        if self.where:
            text += f" [{self.where}]"
        if self.measured and self.expected:
            text += f"; measured {self.measured}, expected {self.expected}"
        elif self.measured or self.expected:
            text += f"; {'measured ' + self.measured if self.measured else 'expected ' + self.expected}"
        return f"{text}. {self.advice}".strip()

    def __reduce__(self) -> tuple:
        # Errors travel between worker processes; keyword-only fields need help to be pickled.
        return (_rebuild_input_error, (type(self), self.__dict__.copy()))


def _rebuild_input_error(kind: type[InputError], fields: dict[str, str]) -> InputError:
    error = kind.__new__(kind)
    Exception.__init__(error)
    error.__dict__.update(fields)
    error.args = (error.sentence(),)
    return error


class VolumeError(InputError):
    """An array is no CT volume: not whole Hounsfield units, or not of the shape of its grid."""


class SegmentationError(InputError):
    """The bone that was asked for cannot be told in this scan."""


class CanalError(InputError):
    """The canal cannot be measured, or section contours are not usable."""


class CatalogueError(InputError):
    """A catalogue file breaks its schema; names file and row."""


class ReamingError(InputError):
    """A reaming plan, reamer set or tool axis is not usable."""


class RecordError(InputError):
    """A plan record is not one, is newer than this version, or was changed."""
