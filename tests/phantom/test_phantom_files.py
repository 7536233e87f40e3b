"""Specs from files, strictly; truth as JSON; the command."""

import json
from pathlib import Path

import numpy as np
import pytest

from canalfit import cli
from sizing.errors import InputError
from sizing.phantom.files import load_spec, spec_from_dict, truth_to_dict
from sizing.phantom.render import make_axis
from sizing.phantom.spec import PhantomSpec
from sizing.phantom.truth import make_truth

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples" / "phantoms").glob("*.toml"))
SMALL = """
name = "small"
length_mm = 12.0
below_mm = 3.0
[shape]
bow_radius_mm = 900.0
[scan]
field_mm = 80.0
pixel_mm = 0.9
"""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_example_specs_are_read(path: Path) -> None:
    assert load_spec(path).name == path.stem


def test_an_empty_spec_is_the_default() -> None:
    assert spec_from_dict({}) == PhantomSpec()


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({"shape": {"canal": {"diametre_mm": 12}}}, "shape.canal.diametre_mm"),
        ({"length_mm": "long"}, "length_mm"),
        ({"length_mm": float("nan")}, "length_mm"),
        ({"bone": "radius"}, "bone"),
        ({"seed": 1.5}, "seed"),
        ({"pose": {"origin_lps": [1, 2]}}, "origin_lps"),
        ({"shape": {"plugs": [{"from_depth_mm": 1}]}}, "to_depth_mm"),
        ({"scan": {"kernel": "very sharp"}}, "scan.kernel"),
        ({"shape": 3}, "shape"),
    ],
)
def test_entries_that_mean_nothing_are_named(data: dict, word: str) -> None:
    with pytest.raises(InputError) as refused:
        spec_from_dict(data)
    assert refused.value.code in ("CF-P001", "CF-P011") and word in str(refused.value)


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("name = ")
    with pytest.raises(InputError, match="CF-P010"):
        load_spec(path)


def test_the_truth_as_json_holds_every_level_and_null_where_nothing_exists() -> None:
    spec = PhantomSpec(length_mm=20.0)  # the isthmus, at 60 mm, lies beyond
    truth = make_truth(spec, make_axis(spec))
    data = json.loads(json.dumps(truth_to_dict(truth), allow_nan=False))
    assert data["isthmus_depth_mm"] is None
    levels = data["levels"]
    assert len(levels["depth_mm"]) == len(levels["endosteal_radius_mm"]) == len(truth.axis.depth_mm)
    assert np.array(levels["wall_normal_mm"]) == pytest.approx(truth.wall_normal_mm, abs=1e-6)
    assert spec_from_dict(data["spec"]) == spec


def test_the_command_writes_a_series_that_is_read_back(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    from dicom_io import read_series

    spec = tmp_path / "small.toml"
    spec.write_text(SMALL)
    out = tmp_path / "out"
    assert cli.main(["phantom", str(spec), "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    volume = read_series(out / "series").volume
    assert list(volume.hu.shape) == told["shape"]
    assert volume.hu.max() > 1300  # cortex
    assert json.loads((out / "truth.json").read_text())["spec"]["name"] == "small"
    assert cli.main(["phantom", str(spec), "--out", str(out)]) == 2  # not into a folder that holds something
