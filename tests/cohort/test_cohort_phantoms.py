"""Cohorts of real planning: small phantoms with known truth, tables of cases, a cluster of this machine, a check."""

import csv
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from canalfit.cli import main
from dicom_io import write_ct_series
from sizing.phantom import make_phantom
from sizing.phantom.population import draw_limbs
from sizing.phantom.spec import ScanSpec

N = 3
SCAN = ScanSpec(pixel_mm=0.9, slice_step_mm=2.0, slice_thickness_mm=2.0, field_mm=90.0)
SETTINGS = """
[plan]
at_mm = [20, 500]
at_scan_share = [0.25]
families = ["generic-pressfit-straight"]
[[groups]]
where = { sex = "f" }
plan = { wall_limit_mm = 2.5 }
"""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three femora as DICOM, a table that names them and two rows that cannot be used, and one run over it."""
    folder = tmp_path_factory.mktemp("cohort")
    lines = ["path,bone,side,group_sex"]
    from sizing.anatomy import Bone

    for i, spec in enumerate(draw_limbs(N, seed=8, bone=Bone.FEMUR, scan=SCAN)):
        volume, _ = make_phantom(replace(spec, length_mm=120.0))
        write_ct_series(volume, folder / f"scan{i}", seed=spec.name)
        lines.append(f"scan{i},femur,{spec.side},{'fm'[i % 2]}")
    (folder / "empty").mkdir()
    lines += ["absent,femur,left,f", "scan0,femurr,left,f", "empty,femur,left,m"]
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")
    (folder / "cohort.toml").write_text(SETTINGS)
    assert _run(folder, "results", "--workers", "2") == 10
    return folder


def _run(folder: Path, out: str, *more: str) -> int:
    command = ["cohort", str(folder / "cases.csv"), "--settings", str(folder / "cohort.toml"), "--out"]
    return main([*command, str(folder / out), "--quiet", *more])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_case_and_level_has_its_row(cohort: Path) -> None:
    rows = rows_of(cohort / "results" / "cases.csv")
    planned = [r for r in rows if r["exit_code"] in ("0", "4", "10")]
    assert len(rows) == 3 * N + 3
    assert {(r["level"], r["exit_code"] in ("0", "4", "10")) for r in rows if r["bone"] and r["level"]} == {
        ("20 mm", True), ("500 mm", False), ("scan 0.25", True),
    }  # fmt: skip
    assert len(planned) == 2 * N and all(r["narrowest_diameter_mm"] and r["n_implants_tried"] for r in planned)
    assert {r["group_sex"] for r in planned} == {"f", "m"}
    failures = rows_of(cohort / "results" / "failures.csv")
    assert sorted(r["code"] for r in failures) == ["CF-A026", "CF-A026", "CF-D030", "CF-S009", "CF-S009", "CF-S009"]
    assert any("'femurr'; expected femur, tibia, humerus" in r["sentence"] for r in failures)


def test_a_row_is_what_plan_says(cohort: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    side = next(line.split(",")[2] for line in (cohort / "cases.csv").read_text().splitlines() if "scan1" in line)
    out = tmp_path / "plan"
    main(["plan", str(cohort / "scan1"), "--bone", "femur", "--side", side, "--resect-at", "20", "--families",
          "generic-pressfit-straight", "--out", str(out), "--quiet", "--json"])  # fmt: skip
    said = json.loads(capsys.readouterr().out)
    record = json.loads((out / "plan.json").read_text())
    row = next(
        r for r in rows_of(cohort / "results" / "cases.csv")
        if r["level"] == "20 mm" and r["group_sex"] == "m"
    )  # fmt: skip
    chosen = said["implant"]
    assert row["part_number"] == (chosen["part_number"] if chosen else "")
    assert float(row["narrowest_diameter_mm"]) == pytest.approx(
        record["plan"]["shape"]["narrowest_diameter_mm"], abs=5e-4
    )
    assert int(row["exit_code"]) == said["exit_code"] or said["exit_code"] == 10  # drawing may add a finding


def test_no_name_and_no_place_of_a_scan_is_in_the_results(cohort: Path) -> None:
    texts = [p.read_bytes() for p in (cohort / "results").rglob("*") if p.suffix in (".csv", ".json", ".html")]
    assert texts and not [t for t in texts if str(cohort).encode() in t or b"scan1/" in t]


def test_the_page_stands_alone(cohort: Path) -> None:
    page = (cohort / "results" / "index.html").read_text()
    assert "http" not in page.replace("http-equiv", "") and page.count("thumbnail.png") == 2 * 2 * N
    for line in page.split('src="')[1:]:
        assert (cohort / "results" / line.split('"')[0]).is_file()


def test_the_dictionary_knows_every_column_of_every_table_with_unit_and_meaning(cohort: Path) -> None:
    known: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows_of(cohort / "results" / "dictionary.csv"):
        known.setdefault(row["table"], {})[row["column"]] = row
    tables = sorted(p for p in (cohort / "results").glob("*.csv"))
    assert {p.name for p in tables} == set(known) and len(tables) == 11
    for path in tables:
        with path.open(newline="") as file:
            header, *rows = csv.reader(file)
        assert list(known[path.name]) == header or path.name == "cases.csv", path.name  # groups stand elsewhere
        assert set(known[path.name]) == set(header)
        for at, name in enumerate(header):
            word = known[path.name][name]
            assert word["meaning"] and word["kind"] in ("text", "number", "count", "flag"), name
            assert bool(word["unit"]) == (word["kind"] in ("number", "count")), name
            for cell in (row[at] for row in rows if row[at]):  # what it says is what stands there
                assert word["kind"] != "flag" or cell in ("yes", "no"), name
                assert word["kind"] == "text" or word["kind"] == "flag" or float(cell) == float(cell), name


def test_pandas_reads_every_table(cohort: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    for path in (cohort / "results").glob("*.csv"):
        assert list(pandas.read_csv(path).columns)
    levels = pandas.read_csv(cohort / "results" / "levels.csv")
    assert levels.inscribed_diameter_mm.dropna().between(3, 40).all()


def test_a_failure_names_what_it_is_about(cohort: Path) -> None:
    failures = rows_of(cohort / "results" / "failures.csv")
    assert all(row["file"] for row in failures)
    # Stars stand where a file name repeats what the header says of the patient.
    assert {row["file"] for row in failures if row["code"] == "CF-S009"} <= {"IM0001.dcm", "IM***.dcm"}
    assert {row["file"] for row in failures if row["code"] == "CF-A026"} == {"cases.csv line 5", "cases.csv line 6"}


def test_the_example_reads_the_results(cohort: Path) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    script = Path(__file__).parents[2] / "examples" / "read_cohort.py"
    done = subprocess.run([sys.executable, script, cohort / "results"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and f"{2 * N} of {3 * N + 3} rows hold a plan" in done.stdout, done.stderr


def test_parquet_holds_what_the_tables_hold(cohort: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    shutil.copytree(cohort / "results", cohort / "typed")
    assert _run(cohort, "typed", "--parquet") == 10
    assert {p.stem for p in (cohort / "typed").glob("*.csv")} == {p.stem for p in (cohort / "typed").glob("*.parquet")}
    table = parquet.read_table(cohort / "typed" / "cases.parquet").to_pylist()
    assert len(table) == 3 * N + 3 and isinstance(table[0]["exit_code"], int)
    assert {type(r["narrowest_diameter_mm"]) for r in table} == {float, type(None)}


def test_a_cluster_gives_the_same_bytes(cohort: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        assert _run(cohort, "clustered", "--scheduler", cluster.scheduler_address) == 10
    for name in ("cases.csv", "levels.csv", "fits.csv", "failures.csv", "shelf.csv", "coverage.csv"):
        assert (cohort / "clustered" / name).read_bytes() == (cohort / "results" / name).read_bytes(), name


def test_real_plans_killed_and_started_again_give_the_same_bytes(cohort: Path) -> None:
    """The short form of benchmarks/bench_cohort_kills.py."""
    command = [sys.executable, "-m", "canalfit", "cohort", str(cohort / "cases.csv"), "--settings",
               str(cohort / "cohort.toml"), "--quiet", "--workers", "1", "--out", str(cohort / "rough")]  # fmt: skip
    there = []
    for seconds in (0.6, 2.2, 2.6, 2.0):  # before the worker is ready, and while scans are planned
        process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        there.append(len(list((cohort / "rough" / "cases").glob("*"))))
    assert there[0] < N + 3  # the first kill at least came before the end
    assert subprocess.run(command, cwd=Path(__file__).parents[2], timeout=120).returncode == 10
    assert _bytes_of(cohort / "rough") == _bytes_of(cohort / "results")


def _bytes_of(results: Path) -> dict[str, bytes]:
    files = (p for p in results.rglob("*") if p.is_file() and not p.name.startswith((".lock", "runtime.")))
    return {str(p.relative_to(results)): p.read_bytes() for p in files}


def test_a_file_that_cannot_be_written_costs_its_scan_only(cohort: Path) -> None:
    """Files are limited to less than a plan.json, as by a quota; refusals are small and still find room."""
    resource = pytest.importorskip("resource", reason="only POSIX systems limit the size of files")

    def run(table: str, limit: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "canalfit", "cohort", str(cohort / table), "--settings",
                   str(cohort / "cohort.toml"), "--workers", "1", "--out", str(cohort / "full")]  # fmt: skip
        return subprocess.run(
            command, cwd=Path(__file__).parents[2], timeout=120, capture_output=True, text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)),
        )  # fmt: skip

    header, *lines = (cohort / "cases.csv").read_text().splitlines()
    (cohort / "one.csv").write_text("\n".join([header, lines[0], *lines[N:]]) + "\n")
    done = run("one.csv", 100_000)
    assert done.returncode == 10, done.stderr
    assert "CF-A028: the results cannot be written (File too large)" in done.stderr
    assert "1 of them could not be written" in done.stderr and len(rows_of(cohort / "full" / "cases.csv")) == 4
    done = run("cases.csv", 100_000)  # three scans in a row: there is no room at all
    assert done.returncode == 10 and done.stderr.count("CF-A028") == 1, done.stderr
    rows = rows_of(cohort / "full" / "failures.csv")
    assert len([r for r in rows if r["code"] == "CF-A028" and r["final"] == "no"]) == 3
    done = run("one.csv", resource.RLIM_INFINITY)
    assert done.returncode == 10 and "1 planned" in done.stderr
    assert not list((cohort / "full").rglob(".work-*"))


def test_a_scan_that_takes_too_long_is_listed_and_tried_again_on_request(
    cohort: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = cohort / "first.csv"
    table.write_text("".join((cohort / "cases.csv").read_text().splitlines(keepends=True)[:2]))
    command = ["cohort", str(table), "--settings", str(cohort / "cohort.toml"), "--workers", "1", "--out",
               str(cohort / "late")]  # fmt: skip
    assert main([*command, "--timeout", "0.1"]) == 10
    said = capsys.readouterr().err
    assert "CF-A023: the case took longer than the limit of 0.1 s" in said and "1 scans: 1 failed" in said
    assert main(command) == 10 and "1 finished before" in capsys.readouterr().err
    assert main([*command, "--retry-failed"]) == 10 and "1 scans: 1 planned" in capsys.readouterr().err


def test_shares_are_merged_whichever_way_the_call_is_written(cohort: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As the pages write it: the parts behind the options."""
    settings = ["--settings", str(cohort / "cohort.toml")]
    assert main(["cohort", "merge", *settings, "--out", str(cohort / "merged"), str(cohort / "results")]) == 10
    for name in ("cases.csv", "levels.csv", "fits.csv", "failures.csv"):
        assert (cohort / "merged" / name).read_bytes() == (cohort / "results" / name).read_bytes()
    with pytest.raises(SystemExit):
        main(["cohort", "merge", "--out", str(cohort / "merged"), str(cohort / "results"), "--bad"])
    with pytest.raises(SystemExit):
        main(["info", "--json", "one", "two"])
    assert "unrecognized arguments: two" in capsys.readouterr().err


def test_verify_finds_what_was_changed(cohort: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results, source = cohort / "results", str(cohort / "cases.csv")
    assert main(["verify", str(results), "--series", source, "--sample", "1"]) == 0
    assert "1 scans were planned again" in capsys.readouterr().err
    before = (results / "levels.csv").read_bytes()
    (results / "levels.csv").write_bytes(before.replace(b"1", b"2", 1))
    assert main(["verify", str(results)]) == 10
    assert "levels.csv: not what was written" in capsys.readouterr().err
    (results / "levels.csv").write_bytes(before)


def test_a_dry_run_says_what_would_be_planned_and_writes_nothing(
    cohort: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = ["cohort", str(cohort / "cases.csv"), "--settings", str(cohort / "cohort.toml"), "--dry-run"]
    assert main(source) == 10
    said = capsys.readouterr().out.splitlines()
    assert len(said) == N + 3 and sum("20 mm, 500 mm, scan 0.25" in line for line in said) == N
    assert sum("NOT: " in line for line in said) == 3
    twice = cohort / "twice.csv"
    twice.write_text((cohort / "cases.csv").read_text() + "scan1,femur,,m\nscan1/.,femur,,m\n")
    assert main(["cohort", str(twice), "--dry-run"]) == 10
    assert sum("NOT: CF-A025: the same scan as row" in line for line in capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("table", "settings", "more", "words"),
    [
        ("path,boen\nx,femur\n", "", [], "unknown column 'boen'; did you mean 'bone'?"),
        ("path,sex\nx,f\n", "", [], "and group_sex"),
        ("bone\nfemur\n", "", [], "needs a column 'path'"),
        ("path\nx\n", "[plan]\nbone = 'femur'\n", [], "settings: plan.bone is an unknown name"),
        ("path\nx\n", "[plan]\nat_bone_share = [1.5]\n", [], "shares between 0 and 1"),
        ("path\nx\n", "", ["--scheduler", "tcp://127.0.0.1:1"], "there is no dask scheduler at tcp://127.0.0.1:1"),
        ("path\nx\n", "", ["--workers", "0"], "must be above zero"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    table: str, settings: str, more: list[str], words: str,
) -> None:  # fmt: skip
    import canalfit.cohort.engine as engine

    monkeypatch.setattr(engine, "_DASK_SECONDS", 1.0)
    (tmp_path / "t.csv").write_text(table)
    (tmp_path / "s.toml").write_text(settings)
    command = ["cohort", str(tmp_path / "t.csv"), "--settings", str(tmp_path / "s.toml")]
    assert main([*command, "--out", str(tmp_path / "out"), *more]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
