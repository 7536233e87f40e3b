"""One way to write a JSON document, so that equal content means equal bytes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

HASH_KEY = "sha256"


def canonical_json(value: Any) -> str:
    """Write plain data as canonical JSON, ending with a newline.

    Keys are sorted, floats are the shortest text that reads back to the same number, objects and
    lists of objects are broken over lines, lists of numbers are not. NaN and infinity are not
    JSON and raise ValueError.
    """
    return _write(value, "") + "\n"


def _write(value: Any, indent: str) -> str:
    inner = indent + " "
    if isinstance(value, dict) and value:
        lines = [f"{inner}{_scalar(str(k))}: {_write(value[k], inner)}" for k in sorted(value)]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(v, dict) for v in value):
        return "[\n" + ",\n".join(inner + _write(v, inner) for v in value) + f"\n{indent}]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)


def sha256_of(record: dict[str, Any]) -> str:
    """Return the SHA-256 over the canonical text of a record without its own hash."""
    content = {k: v for k, v in record.items() if k != HASH_KEY}
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()


def sealed(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with its own hash in it."""
    return {**record, HASH_KEY: sha256_of(record)}
