"""Frozen objects to plain JSON data and back, led by their type hints.

NaN becomes null: "cannot tell" has one spelling in the record. Where a field may be None, null reads
back as None. Large arrays are packed: floats as base64 of little-endian float64 (NaN stays NaN),
bools as run lengths that start with the number of False values.
"""

from __future__ import annotations

import base64
import json
import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

# Arrays up to this many values are written as lists that a person can read.
PACK_ABOVE = 1024
SAME_AS = "same_as"

_KEY_OF = json.JSONEncoder(check_circular=False)


class Pool:
    """Objects that many others hold, written once in a table and referred to by ``{"same_as": "table/3"}``.

    Parameters
    ----------
    tables : mapping of type to table name
        In such an order that an object only holds objects of earlier tables.
    left_out : mapping of type to field names
        Fields that are not written, because reading computes them again.
    """

    def __init__(
        self, tables: Mapping[type, str] | None = None, left_out: Mapping[type, frozenset[str]] | None = None
    ) -> None:
        self.table_of = dict(tables or {})
        self.not_measured: set[str] = set()  # names of fields that hold null somewhere
        self._left_out = dict(left_out or {})
        self._fields: dict[type, tuple[str, ...]] = {}
        self.tables: dict[str, list] = {name: [] for name in self.table_of.values()}
        self._name_of_object: dict[int, str] = {}
        self._name_of_content: dict[tuple[str, str], str] = {}

    def name(self, value: Any, name: str) -> None:
        """Say that an object is written elsewhere under this name; it must outlive the pool."""
        self._name_of_object[id(value)] = name

    def reference(self, value: Any) -> dict[str, str] | None:
        """Return the reference to an object, or None if it is to be written in place."""
        if id(value) not in self._name_of_object:
            table = self.table_of.get(type(value))
            if table is None:
                return None
            self.name(value, self._add(table, value))
        return {SAME_AS: self._name_of_object[id(value)]}

    def encode_fields(self, value: Any) -> dict[str, Any]:
        """Write the fields of an object in place."""
        kind = type(value)
        if kind not in self._fields:
            left_out = self._left_out.get(kind, frozenset())
            self._fields[kind] = tuple(f.name for f in fields(kind) if f.name not in left_out)
        written = {name: encode(getattr(value, name), self) for name in self._fields[kind]}
        self.not_measured.update(name for name, data in written.items() if _lacks_something(data))
        return written

    def _add(self, table: str, value: Any) -> str:
        content = self.encode_fields(value)
        key = (table, _KEY_OF.encode(content))
        if key not in self._name_of_content:
            self._name_of_content[key] = f"{table}/{len(self.tables[table])}"
            self.tables[table].append(content)
        return self._name_of_content[key]


def _lacks_something(data: Any) -> bool:
    if isinstance(data, list):
        return None in data
    return data is None or (isinstance(data, dict) and data.get("n_not_measured", 0) > 0)


def encode(value: Any, pool: Pool | None = None) -> Any:
    """Turn an object into dicts, lists, strings, numbers and None; pooled objects into references."""
    kind = type(value)
    if kind is float:  # most values are
        return value if math.isfinite(value) else _encode_scalar(value)
    if kind is str or value is None:
        return value
    if pool is None:
        pool = Pool()
    if is_dataclass(kind):
        return pool.reference(value) or pool.encode_fields(value)
    if isinstance(value, np.ndarray):
        return _encode_array(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(k): encode(v, pool) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(v, pool) for v in value]
    return _encode_scalar(value)


def _encode_scalar(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} has no place in a record")


def _encode_array(array: np.ndarray) -> Any:
    if array.dtype.kind not in "bifu":
        raise TypeError(f"an array of {array.dtype} has no place in a record")
    if array.size <= PACK_ABOVE:
        plain = array.tolist()
        if array.dtype.kind != "f" or np.isfinite(array).all():
            return plain
        if array.ndim == 1 and not np.isinf(array).any():
            return [None if v != v else v for v in plain]  # NaN alone differs from itself
        return encode(plain)
    if array.dtype.kind == "b":
        return {"shape": list(array.shape), "run_lengths": _run_lengths(array)}
    packed = base64.b64encode(np.ascontiguousarray(array, "<f8").tobytes()).decode()
    return {"shape": list(array.shape), "float64_base64": packed, "n_not_measured": int(np.isnan(array).sum())}


def _run_lengths(array: np.ndarray) -> list[int]:
    flat = np.concatenate([[False], array.ravel()])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff(np.concatenate([[0], edges, [array.size]])).tolist()


def _decode_array(data: Any, dtype: np.dtype) -> np.ndarray:
    if isinstance(data, list):
        if dtype.kind == "f":
            return np.array(data, dtype=object).astype(np.float64) if data else np.zeros(0)
        return np.array(data, dtype=dtype)
    if "run_lengths" in data:
        runs = np.array(data["run_lengths"], np.int64)
        return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(data["shape"])
    return unpack_floats(data).astype(dtype)


def unpack_floats(data: Mapping[str, Any]) -> np.ndarray:
    """Return the array that a packed entry (``shape``, ``float64_base64``) of a record holds."""
    return np.frombuffer(base64.b64decode(data["float64_base64"]), "<f8").reshape(data["shape"])


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def decode(data: Any, hint: Any, shared: Mapping[str, Any] | None = None) -> Any:
    """Turn plain data back into an object of the hinted type; the inverse of `encode`.

    Fields that the data does not have keep their defaults; fields that the class no longer has
    are an error of the schema version and raise TypeError.
    """
    shared = shared or {}
    if isinstance(data, dict) and set(data) == {SAME_AS}:
        return shared[data[SAME_AS]]
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _decode_optional(data, args, shared)
    if origin is np.ndarray:
        (kind,) = get_args(args[1])
        return _decode_array(data, np.dtype(np.float64 if kind is np.floating else kind))
    if origin is tuple:
        inner = [args[0]] * len(data) if args[-1] is Ellipsis else args
        return tuple(decode(v, h, shared) for v, h in zip(data, inner, strict=True))
    if origin is dict:
        return {k: decode(v, args[1], shared) for k, v in data.items()}
    return _decode_plain(data, hint, shared)


def _decode_optional(data: Any, args: tuple, shared: Mapping[str, Any]) -> Any:
    if data is None:
        return None if type(None) in args else math.nan
    kinds = [a for a in args if a is not type(None)]
    if len(kinds) != 1:
        raise TypeError(f"a record cannot tell the alternatives {kinds} apart")
    return decode(data, kinds[0], shared)


def _decode_plain(data: Any, hint: Any, shared: Mapping[str, Any]) -> Any:
    if is_dataclass(hint):
        hints = _hints(hint)  # type: ignore[arg-type]
        return hint(**{k: decode(v, hints[k], shared) if k in hints else v for k, v in data.items()})  # type: ignore
    if hint is float:
        return math.nan if data is None else float(data)
    if isinstance(hint, type) and issubclass(hint, (Enum, int, str)):
        return hint(data)
    raise TypeError(f"a field of type {hint} has no place in a record")
