"""What a person typed, and what they are told when it does not serve."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from sizing.errors import CanalfitError


@contextlib.contextmanager
def told(state: Any) -> Iterator[None]:
    """Say an error of ours in the page, and go on."""
    try:
        yield
    except (CanalfitError, ValueError) as error:
        state.message = str(error)
        state.flush()


def number(value: Any) -> float:
    """Return a typed number; a decimal comma is one, and "nan" or "inf" is none.

    Raises
    ------
    ValueError
        With the sentence to say.
    """
    try:
        found = float(str(value).replace(",", "."))
    except ValueError:
        found = float("nan")
    if not abs(found) < float("inf"):
        raise ValueError(f"a number is needed, not {value!r}")
    return found
