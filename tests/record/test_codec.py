"""Objects to plain data and back: nothing is lost, and equal content means equal bytes."""

import json
import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sizing.anatomy import Side
from sizing.record.canonical import canonical_json, seal, sha256_of
from sizing.record.codec import PACK_ABOVE, Pool, decode, encode


@dataclass(frozen=True)
class Leaf:
    diameter_mm: float
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    best: Leaf | None
    side: Side | None = None
    length_mm: float | None = None
    wall_mm: float = math.nan
    pair: tuple[str, float] = ("", 0.0)
    profile_mm: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 2)))
    wall_left_mm: NDArray[np.floating] | None = None
    contact: NDArray[np.bool_] | None = None
    counts: dict[str, int] = field(default_factory=dict)


def same(a: object, b: object) -> bool:
    return canonical_json(encode(a)) == canonical_json(encode(b))


@given(st.floats(allow_nan=False, width=64))
def test_every_float_comes_back_bit_for_bit(x: float) -> None:
    text = canonical_json(encode(Leaf(x)))
    back = decode(json.loads(text), Leaf).diameter_mm
    assert back == x and math.copysign(1, back) == math.copysign(1, x)


@given(st.lists(st.one_of(st.floats(allow_infinity=False), st.just(math.nan)), min_size=1, max_size=30), st.booleans())
def test_float_arrays_keep_values_and_nan(values: list[float], big: bool) -> None:
    array = np.array(values)
    if big:
        array = np.resize(array, (PACK_ABOVE // 4 + 1, 4))
    tree = Tree((), None, profile_mm=array, wall_left_mm=array)
    whole = decode(json.loads(canonical_json(encode(tree))), Tree)
    back = whole.profile_mm
    np.testing.assert_array_equal(whole.wall_left_mm, array)
    np.testing.assert_array_equal(back, array)
    assert back.shape == array.shape and back.dtype == np.float64


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.booleans())
def test_bool_arrays_keep_values(values: list[bool], big: bool) -> None:
    array = np.array(values)
    if big:
        array = np.resize(array, (PACK_ABOVE + 3, 5))
    tree = Tree((), None, contact=array)
    back = decode(json.loads(canonical_json(encode(tree))), Tree).contact
    np.testing.assert_array_equal(back, array)
    assert back.dtype == np.bool_


def test_not_measured_is_null_and_never_zero() -> None:
    data = encode(Tree((), None, length_mm=None, wall_mm=math.nan, profile_mm=np.array([1.0, np.nan])))
    assert data["wall_mm"] is None and data["length_mm"] is None and data["profile_mm"] == [1.0, None]
    back = decode(data, Tree)
    assert math.isnan(back.wall_mm) and back.length_mm is None


def test_shared_objects_are_written_once_and_stay_shared() -> None:
    leaf = Leaf(12.5, ("a",))
    tree = Tree((leaf, Leaf(12.5, ("a",)), Leaf(13.0)), best=leaf, side=Side.LEFT, pair=("x", 2.0), counts={"n": 3})
    pool = Pool({Leaf: "leaves"})
    data = encode(tree, pool)
    assert len(pool.tables["leaves"]) == 2
    assert data["best"] == {"same_as": "leaves/0"} == data["leaves"][1]
    shared = {f"leaves/{i}": decode(d, Leaf) for i, d in enumerate(pool.tables["leaves"])}
    back = decode(data, Tree, shared)
    assert same(back, tree) and back.best is back.leaves[0]


def test_what_has_no_place_in_a_record_is_refused() -> None:
    with pytest.raises(TypeError, match="no place in a record"):
        encode({"when": object()})
    with pytest.raises(TypeError, match="no place in a record"):
        encode(np.array(["text"]))


def test_canonical_text() -> None:
    text = canonical_json({"b": [1.0, 2.5, None], "a": {"side": "ä", "rows": [{"x": 1, "n": [1]}, {"x": {}}]}, "c": {}})
    assert text == (
        '{\n "a": {\n  "rows": [\n   {"n":[1],"x":1},\n   {"x":{}}\n  ],\n  "side": "ä"\n },\n'
        ' "b": [1.0,2.5,null],\n "c": {}\n}\n'
    )
    assert json.loads(text)["b"] == [1.0, 2.5, None]
    with pytest.raises(ValueError, match="JSON"):
        canonical_json({"x": math.nan})


def test_a_record_knows_its_own_hash() -> None:
    record, text = seal({"b": {"sha256": ""}, "a": 0.1, "files": [{"sha256": ""}], "z": '\n "sha256": ""'})
    assert record["sha256"] == sha256_of(record)
    assert json.loads(text) == record and text == canonical_json(record)
    assert sha256_of({**record, "a": 0.2}) != record["sha256"]
