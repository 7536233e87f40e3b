"""Implants of one's own: files in every format become the stem they hold; wrong ones are refused in one sentence."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

from canalfit.tables import rows_csv
from sizing.errors import InputError, UsageError
from sizing.implants.cad import cad_kernel_available, solid_shape, write_step
from sizing.implants.own import implant_from_file
from sizing.implants.shape import Splines, StemShape
from sizing.implants.shape_table import contour_rows
from sizing.implants.solid import Collar, StemSolid, solid_mesh, write_mesh

HEAD = "station_mm,semi_axis_a_mm,semi_axis_b_mm,"
CONE = StemShape.round([0, 100], [9, 7])
SOLID = StemSolid(CONE, Collar(24, 3))
PHI = np.linspace(0, 2 * np.pi, 60)
# Facets of the files keep within 0.01 mm of the design, and rays fall between them.
FILE_MM = 0.012


@pytest.fixture(scope="module")
def mesh() -> trimesh.Trimesh:
    return solid_mesh(SOLID)


def saved(mesh: trimesh.Trimesh, folder: Path, name: str = "stem.stl") -> Path:
    write_mesh(mesh, folder / name)
    return folder / name


@pytest.mark.parametrize("suffix", ["stl", "3mf", "step", "csv"])
def test_each_format_gives_the_cone_that_it_holds(suffix: str, mesh: trimesh.Trimesh, tmp_path: Path) -> None:
    file = tmp_path / f"stem.{suffix}"
    if suffix == "csv":
        file.write_text("station_mm,semi_axis_a_mm,semi_axis_b_mm\n0,9,9\n100,7,7\n")
    elif suffix == "step":
        if not cad_kernel_available():
            pytest.skip("the CAD kernel (extra [cad]) is not installed")
        write_step(solid_shape(SOLID), file, "AP214")
    else:
        write_mesh(mesh, file)
    implant = implant_from_file(file)
    assert implant.length_mm == pytest.approx(100, abs=1e-4)
    assert implant.diameter_mm == pytest.approx(18, abs=2 * FILE_MM)
    at = [0.0, 10.0, 50.0, 99.0]
    expected = CONE.radius_mm(at, PHI)
    assert np.abs(implant.stem_shape.radius_mm(at, PHI) - expected).max() < FILE_MM
    assert implant.stem_shape.volume_mm3 == pytest.approx(CONE.volume_mm3, rel=1e-3)


def test_contours_give_the_free_form_that_they_hold(tmp_path: Path) -> None:
    phi = np.arange(72) * (2 * np.pi / 72)
    rows = [f"{s},{5 * i},{r}" for s, k in ((0, 9.0), (80, 7.0)) for i, r in enumerate(k + 0.4 * np.cos(3 * phi))]
    (tmp_path / "contours.csv").write_text("station_mm,angle_deg,radius_mm\n" + "\n".join(rows) + "\n")
    implant = implant_from_file(tmp_path / "contours.csv")
    # a trigonometric polynomial is told by its samples
    assert implant.stem_shape.radius_mm([40.0], PHI)[0] == pytest.approx(8 + 0.4 * np.cos(3 * PHI), abs=1e-9)


RIBS = Splines(8, 0.6, 5.0, 70.0, 4.0)


@pytest.mark.parametrize("ribs", [None, RIBS])
@pytest.mark.parametrize("bow_mm", [None, 1000.0])
def test_a_bowed_and_ribbed_stem_comes_back_from_its_contours(
    bow_mm: float | None, ribs: Splines | None, tmp_path: Path
) -> None:
    semi = np.array([[9.0, 8.0], [8.5, 7.5], [7.0, 7.0]])
    shape = StemShape(np.array([0.0, 40.0, 80.0]), semi, np.full(3, 2.0), np.full(3, 20.0), np.zeros((3, 2)), None,
                      bow_mm, ribs)  # fmt: skip
    (tmp_path / "contours.csv").write_text(rows_csv(contour_rows(shape)))
    implant = implant_from_file(tmp_path / "contours.csv")
    back = implant.stem_shape
    assert back.bow_radius_mm == implant.bow_radius_mm == bow_mm and back.splines == ribs
    # An ellipse this round is told by 72 angles to a micrometre.
    assert np.abs(back.radius_mm([0.0, 40.0, 80.0], PHI) - shape.radius_mm([0.0, 40.0, 80.0], PHI)).max() < 1e-3


def test_the_last_reamer_is_the_narrowest_width_unless_it_is_given(mesh: trimesh.Trimesh, tmp_path: Path) -> None:
    file = saved(mesh, tmp_path)
    # the body ends at 80 % of the length: 2 * (9 - 2 * 0.8) = 14.8
    assert implant_from_file(file).last_reamer_mm == pytest.approx(14.8, abs=0.1)
    assert implant_from_file(file, last_reamer_mm=16.0).last_reamer_mm == pytest.approx(16.0, abs=1e-9)


def opened(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    return trimesh.Trimesh(mesh.vertices, mesh.faces[5:], process=False)


def inverted(mesh: trimesh.Trimesh) -> trimesh.Trimesh:
    return trimesh.Trimesh(mesh.vertices, mesh.faces[:, ::-1], process=False)


def scaled(mesh: trimesh.Trimesh, factor: float) -> trimesh.Trimesh:
    return trimesh.Trimesh(factor * mesh.vertices, mesh.faces, process=False)


def moved(mesh: trimesh.Trimesh, by: tuple[float, float, float]) -> trimesh.Trimesh:
    return trimesh.Trimesh(mesh.vertices + by, mesh.faces, process=False)


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (opened, "CF-I052", "open"),
        (inverted, "CF-I053", "inside out"),
        (lambda m: scaled(m, 1e-3), "CF-I051", "It looks like metres"),
        (lambda m: scaled(m, 0.1), "CF-I051", "It looks like inches or cm"),
        (lambda m: scaled(m, 1 / 25.4), "CF-I051", "It looks like inches"),
        (lambda m: scaled(m, 4.0), "CF-I051", "not that of a stem"),
        (lambda m: moved(m, (12.0, 0.0, 0.0)), "CF-I054", "does not surround its axis"),
        (lambda m: moved(m, (0.0, 0.0, -150.0)), "CF-I051", "length"),
    ],
)
def test_a_mesh_that_cannot_be_meant_is_refused(change, code, says, mesh, tmp_path: Path) -> None:
    file = saved(change(mesh), tmp_path, "mine.stl")
    with pytest.raises(InputError, match=says) as caught:
        implant_from_file(file)
    assert caught.value.code == code and "mine.stl" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "code", "says"),
    [
        ("a.csv", "station_mm,semi_axis_a_mm\n0,9\n", "CF-I055", "semi_axis_b_mm"),
        ("a.csv", "", "CF-I055", "lacks"),
        ("a.csv", "station_mm,semi_axis_a_mm,semi_axis_b_mm\n0,9,wide\n", "CF-I055", "line 2"),
        ("a.csv", "station_mm,semi_axis_a_mm,semi_axis_b_mm,shape\n0,9,9,free\n60,7,7,free\n", "CF-I055", "free form"),
        ("a.csv", "station_mm,semi_axis_a_mm,semi_axis_b_mm\n0,9,9\n0,7,7\n", "CF-I032", "stations"),
        ("a.csv", "station_mm,semi_axis_a_mm,semi_axis_b_mm\n0,0.009,0.009\n0.1,0.007,0.007\n", "CF-I051", "metres"),
        ("a.csv", "station_mm,angle_deg,radius_mm\n0,0,9\n0,90,9\n60,0,7\n", "CF-I055", "equal angles"),
        ("a.csv", "station_mm,angle_deg,radius_mm\n0,0,wide\n", "CF-I055", "line 2"),
        ("a.csv", "station_mm,semi_axis_a_mm,semi_axis_b_mm\n0,9,9\nnan,7,7\n", "CF-I055", "line 3"),
        ("a.csv", HEAD + "bow_radius_mm\n0,9,9,900\n60,7,7,800\n", "CF-I055", "bow_radius_mm differs"),
        ("a.csv", HEAD + "bow_radius_mm\n0,9,9,bent\n60,7,7,bent\n", "CF-I055", "bow_radius_mm is not"),
        ("a.csv", HEAD + "bow_radius_mm\n0,9,9,50\n60,7,7,50\n", "CF-I006", "bow radius"),
        ("a.csv", HEAD + "rib_count\n0,9,9,8\n60,7,7,8\n", "CF-I055", "ribs need"),
        ("a.obj", "v 0 0 0\n", "CF-I050", "file type"),
        ("a.stl", "solid nothing\nendsolid nothing\n", "CF-I050", "a.stl"),
        ("a.step", "not a STEP file", "CF-I050", "a.step"),
    ],
)
def test_a_file_that_holds_no_stem_is_refused(name: str, text: str, code: str, says: str, tmp_path: Path) -> None:
    if name.endswith("step") and not cad_kernel_available():
        pytest.skip("the CAD kernel (extra [cad]) is not installed")
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        implant_from_file(tmp_path / name)
    assert caught.value.code == code


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for name in ("none.stl", "none.csv"):
        with pytest.raises(InputError, match="CF-I050") as caught:
            implant_from_file(tmp_path / name)
        assert name in str(caught.value)


def test_step_without_the_cad_kernel_says_how_to_get_it(tmp_path: Path, monkeypatch) -> None:
    import sizing.implants.cad as cad

    monkeypatch.setattr(cad, "cad_kernel_available", lambda: False)
    (tmp_path / "stem.step").write_text("ISO-10303-21;")
    with pytest.raises(UsageError, match=r"canalfit\[cad\].*or give an STL"):
        implant_from_file(tmp_path / "stem.step")


@pytest.mark.parametrize(
    ("change", "says"),
    [(opened, "is open"), (inverted, "inside out"), (lambda m: scaled(m, 1e-3), "looks like metres")],
)
def test_the_command_line_refuses_a_mesh_in_one_sentence_with_its_file(
    change, says, mesh, tmp_path: Path, capsys
) -> None:
    from canalfit import cli, exit_codes

    file = saved(change(mesh), tmp_path, "mine.stl")
    (tmp_path / "scan").mkdir()  # the implant is read before the scan is
    code = cli.main(["plan", str(tmp_path / "scan"), "--implant", str(file), "--out", str(tmp_path / "plan")])
    told = capsys.readouterr().err.strip()
    assert code == exit_codes.REFUSED and says in told and "mine.stl" in told and "\n" not in told
    assert not (tmp_path / "plan").exists()


def test_the_command_line_without_the_cad_kernel_names_the_step_file_and_how_to_install_it(tmp_path: Path) -> None:
    """In a Python of its own in which the kernel cannot be found, as where the extra is not installed."""
    (tmp_path / "mine.step").write_text("ISO-10303-21;")
    (tmp_path / "scan").mkdir()  # the implant is read before the scan is
    block = (
        "import sys\n"
        "class Blocker:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'OCP':\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Blocker())\n"
        "from canalfit import cli\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    files = ["--implant", str(tmp_path / "mine.step"), "--out", str(tmp_path / "plan")]
    done = subprocess.run(
        [sys.executable, "-c", block, "plan", str(tmp_path / "scan"), *files],
        capture_output=True, text=True, check=False, cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    told = done.stderr.strip()
    assert done.returncode == 2 and "mine.step" in told and "pip install 'canalfit[cad]'" in told
    assert "\n" not in told and not (tmp_path / "plan").exists()
