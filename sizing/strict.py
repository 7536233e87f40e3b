"""Plain data, as it stands in a TOML or JSON file, into frozen objects: strictly, led by their type hints."""

from __future__ import annotations

import math
import types
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from numbers import Real
from typing import Any, Union, get_args, get_origin, get_type_hints

Refuse = Callable[[str, object, str], Exception]


def is_number(value: object) -> bool:
    """Whether a value is a finite number; texts of digits and truth values are none."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def build(kind: Any, data: Any, refuse: Refuse, where: str = "") -> Any:
    """Build an object of a hinted type; what is left out keeps its default, an unknown name is refused.

    Parameters
    ----------
    kind : type
        A dataclass, or any hint of its fields.
    data : object
        Dicts, lists, strings, numbers.
    refuse : callable
        ``refuse(where, measured, expected)`` makes the error that is raised.
    where : str
        Place of ``data`` in the file, for the error.
    """
    if is_dataclass(kind):
        if not isinstance(data, dict):
            raise refuse(where, data, "a table")
        hints = get_type_hints(kind)
        unknown = sorted(set(data) - set(hints))
        if unknown:
            raise refuse(f"{where}.{unknown[0]}".lstrip("."), "an unknown name", ", ".join(sorted(hints)))
        values = {
            name: build(hints[name], value, refuse, f"{where}.{name}".lstrip(".")) for name, value in data.items()
        }
        missing = [f.name for f in fields(kind) if f.name not in values and _required(f)]
        if missing:
            raise refuse(f"{where}.{missing[0]}".lstrip("."), "nothing", "a value")
        make: Any = kind
        return make(**values)
    if get_origin(kind) in (Union, types.UnionType):
        options = [a for a in get_args(kind) if a is not type(None)]
        return None if data is None else build(options[0], data, refuse, where)
    if get_origin(kind) is tuple:
        return _build_tuple(get_args(kind), data, refuse, where)
    return _build_plain(kind, data, refuse, where)


def _build_tuple(items: tuple, data: Any, refuse: Refuse, where: str) -> tuple:
    if not isinstance(data, list):
        raise refuse(where, data, "a list")
    kinds = [items[0]] * len(data) if items[-1] is Ellipsis else list(items)
    if len(kinds) != len(data):
        raise refuse(where, f"{len(data)} values", f"{len(kinds)} values")
    return tuple(build(k, value, refuse, f"{where}[{i}]") for i, (k, value) in enumerate(zip(kinds, data, strict=True)))


def _build_plain(kind: Any, data: Any, refuse: Refuse, where: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if data not in [str(word) for word in kind]:
            raise refuse(where, data, ", ".join(kind))
        return kind(data)
    if kind is float and is_number(data):
        return float(data)
    if kind is not float and type(data) is kind:
        return data
    raise refuse(where, data, {"float": "a finite number", "int": "a whole number", "str": "a word",
                               "bool": "true or false"}[kind.__name__])  # fmt: skip


def _required(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
