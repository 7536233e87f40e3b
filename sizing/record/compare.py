"""Where two records part, number by number."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose
from typing import Any, NamedTuple

import numpy as np

from sizing.record.codec import unpack_floats

# Another processor may round the last digits otherwise; more than this is another result.
RELATIVE_TOLERANCE = 1e-6
ABSOLUTE_TOLERANCE = 1e-6


class Difference(NamedTuple):
    """One place where the record and the second computation part."""

    where: str
    recorded: str
    again: str


def differences(recorded: Any, again: Any, where: str = "") -> Iterator[Difference]:
    """Walk through two pieces of plain data and yield where they differ."""
    if _packed(recorded) and _packed(again):
        a, b = unpack_floats(recorded), unpack_floats(again)
        if a.shape != b.shape:
            yield Difference(where, f"shape {a.shape}", f"shape {b.shape}")
        elif not np.allclose(a, b, rtol=RELATIVE_TOLERANCE, atol=ABSOLUTE_TOLERANCE, equal_nan=True):
            n = np.sum(~np.isclose(a, b, rtol=RELATIVE_TOLERANCE, atol=ABSOLUTE_TOLERANCE, equal_nan=True))
            yield Difference(where, f"{a.size} values", f"{n} of them differ")
    elif isinstance(recorded, dict) and isinstance(again, dict):
        for key in sorted(recorded.keys() | again.keys()):
            yield from differences(recorded.get(key), again.get(key), f"{where}.{key}" if where else key)
    elif isinstance(recorded, list) and isinstance(again, list) and len(recorded) == len(again):
        for i, (a, b) in enumerate(zip(recorded, again, strict=True)):
            yield from differences(a, b, f"{where}[{i}]")
    elif not _same(recorded, again):
        yield Difference(where, _short(recorded), _short(again))


def _packed(value: Any) -> bool:
    return isinstance(value, dict) and "float64_base64" in value


def _same(a: Any, b: Any) -> bool:
    numbers = [x for x in (a, b) if isinstance(x, (int, float)) and not isinstance(x, bool)]
    if len(numbers) == 2:
        return isclose(*numbers, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
    return a == b


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
