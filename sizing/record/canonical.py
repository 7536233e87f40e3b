"""One way to write a JSON document, so that equal content means equal bytes."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

HASH_KEY = "sha256"
# Characters hashed at a time: a record is ten MB and more.
_CHUNK = 1 << 16


# Objects down to this depth are broken over lines; what lies deeper stands on one line.
LINES_TO_DEPTH = 3

_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True, check_circular=False
)


def canonical_json(value: Any) -> str:
    """Write plain data as canonical JSON, ending with a newline.

    Keys are sorted, and floats are the shortest text that reads back to the same number. NaN and
    infinity are not JSON and raise ValueError.
    """
    return _write(value, 0) + "\n"


def _write(value: Any, depth: int) -> str:
    if depth < LINES_TO_DEPTH and isinstance(value, dict) and value:
        lines = [f"{_key(str(k))}: {_write(value[k], depth + 1)}" for k in sorted(value)]
        return _block("{", lines, "}", depth)
    if depth < LINES_TO_DEPTH and isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
        return _block("[", [_write(v, depth + 1) for v in value], "]", depth)
    return _ENCODER.encode(value)


@cache
def _key(name: str) -> str:
    """Quote a key; a record has a few hundred names, many thousand times."""
    return _ENCODER.encode(name)


def _block(opening: str, lines: list[str], closing: str, depth: int) -> str:
    inner = "\n" + " " * (depth + 1)
    return opening + inner + f",{inner}".join(lines) + "\n" + " " * depth + closing


def sha256_of(record: dict[str, Any]) -> str:
    """Return the SHA-256 over the canonical text of a record whose own hash is left empty."""
    return _sha256(canonical_json({**record, HASH_KEY: ""}))


def seal(record: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the record with its own hash in it, and its canonical text."""
    empty = canonical_json({**record, HASH_KEY: ""})
    sha256 = _sha256(empty)
    line = f'\n "{HASH_KEY}": "{{}}"'  # a line of the outermost object: one space in front
    return {**record, HASH_KEY: sha256}, empty.replace(line.format(""), line.format(sha256), 1)


def _sha256(text: str) -> str:
    found = hashlib.sha256()
    for first in range(0, len(text), _CHUNK):
        found.update(text[first : first + _CHUNK].encode())
    return found.hexdigest()
