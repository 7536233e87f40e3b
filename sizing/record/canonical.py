"""One way to write a JSON document, so that equal content means equal bytes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

HASH_KEY = "sha256"


def canonical_json(value: Any) -> str:
    """Write plain data as canonical JSON, ending with a newline.

    Keys are sorted, floats are the shortest text that reads back to the same number, and objects
    that hold objects are broken over lines. NaN and infinity are not JSON and raise ValueError.
    """
    return _write(value, "") + "\n"


def _write(value: Any, indent: str) -> str:
    inner = indent + " "
    if isinstance(value, dict) and any(map(_holds_objects, value.values())):
        lines = [f"{inner}{_line(str(k))}: {_write(value[k], inner)}" for k in sorted(value)]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(v, (dict, list)) and v for v in value):
        return "[\n" + ",\n".join(inner + _write(v, inner) for v in value) + f"\n{indent}]"
    return _line(value)


def _holds_objects(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict) for v in value))


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)


def sha256_of(record: dict[str, Any]) -> str:
    """Return the SHA-256 over the canonical text of a record whose own hash is left empty."""
    return _sha256(canonical_json({**record, HASH_KEY: ""}))


def seal(record: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the record with its own hash in it, and its canonical text."""
    empty = canonical_json({**record, HASH_KEY: ""})
    sha256 = _sha256(empty)
    line = f'\n {_line(HASH_KEY)}: "{{}}"'  # a line of the outermost object: one space in front
    return {**record, HASH_KEY: sha256}, empty.replace(line.format(""), line.format(sha256), 1)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
