"""Runs of a cohort with a stand-in for planning: restarts, limits, shares, changed scans. Nothing may be lost."""

import csv
import errno
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cohort_stubs
import pytest

import canalfit.cohort.run as cohort
from canalfit.cohort.answer import Answer, Job, Limits
from canalfit.cohort.cases import Unit
from canalfit.cohort.merge import merge
from canalfit.cohort.options import RunOptions
from canalfit.cohort.run import run_cohort
from canalfit.cohort.sentences import told
from canalfit.cohort.settings import CohortSettings, Question, settings_from
from sizing.errors import InputError, UsageError

TABLES = ("cases.csv", "levels.csv", "fits.csv", "failures.csv", "dictionary.csv")


@pytest.fixture(autouse=True)
def _stub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohort, "run_job", cohort_stubs.quick)


def make_source(folder: Path, n: int, **also: str) -> Path:
    for i in range(n):
        place = folder / f"scan-{i:03d}"
        place.mkdir(parents=True)
        (place / "a.dcm").write_bytes(b"scan %d" % i)
    for name, marker in also.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "a.dcm").write_bytes(name.encode())
        (folder / name / f"{marker}.txt").write_text("")
    return folder


def tables_of(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in TABLES}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_scan_gives_its_rows_whatever_the_workers(tmp_path: Path) -> None:
    source = make_source(tmp_path / "in", 7)
    for workers in (1, 3):
        report = run_cohort(source, tmp_path / f"out{workers}", options=RunOptions(workers=workers))
        assert (report.planned, report.failures) == (7, [])
    assert tables_of(tmp_path / "out1") == tables_of(tmp_path / "out3")
    assert len(rows_of(tmp_path / "out1" / "levels.csv")) == 21


def test_a_second_run_plans_nothing_and_a_changed_scan_or_setting_again(tmp_path: Path) -> None:
    source, out = make_source(tmp_path / "in", 3), tmp_path / "out"
    run_cohort(source, out)
    before = tables_of(out)
    assert run_cohort(source, out).skipped == 3
    assert tables_of(out) == before
    (source / "scan-001" / "a.dcm").write_bytes(b"another scan")
    report = run_cohort(source, out)
    assert (report.skipped, report.planned, report.changed) == (2, 1, 1)
    other = settings_from({"plan": {"at_mm": [40]}})
    assert run_cohort(source, out, other).changed == 3


def test_a_half_written_case_is_done_again(tmp_path: Path) -> None:
    source, out = make_source(tmp_path / "in", 3), tmp_path / "out"
    run_cohort(source, out)
    before = tables_of(out)
    cases = sorted((out / "cases").iterdir())
    (cases[0] / "case.json").unlink()
    (cases[1] / "levels.csv").write_bytes(b"")
    report = run_cohort(source, out)
    assert (report.skipped, report.planned) == (1, 2)
    assert tables_of(out) == before


def test_crash_hang_and_memory_cost_one_case_each(tmp_path: Path) -> None:
    source = make_source(tmp_path / "in", 3, x1="crash", x2="hang", x3="memory", x4="mistake")
    options = RunOptions(workers=2, limits=Limits(seconds=1.5, memory_mb=2000))
    report = run_cohort(source, tmp_path / "out", options=options)
    assert (report.planned, report.refused, report.failed) == (3, 0, 4)
    assert sorted((place, code) for place, code, _ in report.failures) == [
        ("x1", "CF-A022"), ("x2", "CF-A023"), ("x3", "CF-A024"), ("x4", "CF-A021"),
    ]  # fmt: skip
    failed = rows_of(tmp_path / "out" / "failures.csv")
    assert [r["final"] for r in sorted(failed, key=lambda r: r["code"])] == ["yes", "no", "no", "no"]
    assert "SIGSEGV" in next(r["sentence"] for r in failed if r["code"] == "CF-A022")
    rows = rows_of(tmp_path / "out" / "cases.csv")
    assert len(rows) == 7 and sorted(r["exit_code"] for r in rows) == ["0"] * 3 + ["70"] * 4
    # Not tried again unless asked for; a mended one then counts.
    assert run_cohort(source, tmp_path / "out", options=options).skipped == 7
    for name in ("x1/crash.txt", "x2/hang.txt", "x3/memory.txt"):
        (source / name).unlink()
    report = run_cohort(source, tmp_path / "out", options=options)
    assert report.planned == 3 and not report.failures
    assert len(rows_of(tmp_path / "out" / "cases.csv")) == 7


def test_a_limit_below_what_a_process_needs_is_named_as_memory(tmp_path: Path) -> None:
    options = RunOptions(workers=1, limits=Limits(memory_mb=60))
    report = run_cohort(make_source(tmp_path / "in", 1), tmp_path / "out", options=options)
    assert [code for _, code, _ in report.failures] == ["CF-A024"]


def test_what_a_library_says_of_memory_before_it_ends_the_process_is_heard(tmp_path: Path) -> None:
    source = make_source(tmp_path / "in", 0, x1="blas", x2="quit")
    report = run_cohort(source, tmp_path / "out", options=RunOptions(workers=1))
    assert sorted((place, code) for place, code, _ in report.failures) == [("x1", "CF-A024"), ("x2", "CF-A022")]
    # Mended in another run, its stand-in's name is gone.
    (tmp_path / "memory-comes").touch()
    options = RunOptions(workers=1, retry_failed=True)
    assert run_cohort(source, tmp_path / "out", options=options).planned == 1
    assert len(rows_of(tmp_path / "out" / "cases.csv")) == 2
    assert run_cohort(source, tmp_path / "out").skipped == 2


def test_shares_give_what_one_run_gives(tmp_path: Path) -> None:
    source = make_source(tmp_path / "in", 8)
    run_cohort(source, tmp_path / "whole")
    for i in (1, 2, 3):
        run_cohort(source, tmp_path / f"part{i}", options=RunOptions(shard=(i, 3)))
        run_cohort(source, tmp_path / "shared", options=RunOptions(shard=(i, 3)))
    merge(tmp_path / "merged", [tmp_path / f"part{i}" for i in (2, 3, 1)], CohortSettings())
    merge(tmp_path / "shared", [], CohortSettings())
    assert tables_of(tmp_path / "merged") == tables_of(tmp_path / "shared") == tables_of(tmp_path / "whole")
    with pytest.raises(UsageError, match="not a folder of results"):
        merge(tmp_path / "merged", [tmp_path], CohortSettings())


def test_the_same_scan_twice_is_counted_once_whichever_comes_first(tmp_path: Path) -> None:
    source = make_source(tmp_path / "in", 2, b_copy="same-scan", c_copy="same-scan")
    outs = []
    for order in ("b_copy", "c_copy"):
        out = tmp_path / f"out-{order}"
        hidden = source / order
        hidden.rename(tmp_path / "aside")
        run_cohort(source, out)
        (tmp_path / "aside").rename(hidden)
        report = run_cohort(source, out)
        assert report.duplicates == 1
        outs.append(tables_of(out))
        assert run_cohort(source, out).skipped == 4
    assert outs[0] == outs[1]
    assert b"CF-A025" in outs[0]["failures.csv"]


def test_killed_at_random_moments_and_started_again_gives_the_same_bytes(tmp_path: Path) -> None:
    source = make_source(tmp_path / "in", 30)
    run_cohort(source, tmp_path / "calm")
    code = (
        "import sys; sys.path[:0] = sys.argv[3:]; import cohort_stubs, canalfit.cohort.run as c; "
        "from pathlib import Path; c.run_job = cohort_stubs.quick; "
        "c.run_cohort(Path(sys.argv[1]), Path(sys.argv[2]), options=c.RunOptions(workers=2))"
    )
    command = [sys.executable, "-c", code, str(source), str(tmp_path / "rough")]
    command += [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    env = {**os.environ, "STUB_SECONDS": "0.06"}
    draw = random.Random(8)
    kills = 0
    for _ in range(10):
        process = subprocess.Popen(command, env=env)
        try:
            process.wait(timeout=draw.uniform(0.7, 1.2))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    assert kills >= 3
    subprocess.run(command, env=env, check=True, timeout=60)
    assert tables_of(tmp_path / "rough") == tables_of(tmp_path / "calm")


def test_moved_scans_are_recognised_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = make_source(tmp_path / "in", 2), tmp_path / "out"
    run_cohort(source, out)
    before = tables_of(out)
    names = {r["input_sha256"]: r["case"] for r in rows_of(out / "cases.csv")}
    monkeypatch.setattr(cohort, "run_job", _Recognise(names))
    later = time.time_ns() + 10**9
    os.utime(source / "scan-001" / "a.dcm", ns=(later, later))
    report = run_cohort(source, out)
    assert (report.skipped, report.recognised, report.planned) == (1, 1, 0)
    assert tables_of(out) == before
    assert run_cohort(source, out).skipped == 2


class _Recognise:
    """`quick`, with the names under which the scans are known."""

    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def __call__(self, job):  # type: ignore[no-untyped-def]
        from dataclasses import replace

        answer = cohort_stubs.quick(job)
        return replace(answer, case=self.names[answer.input_sha256])


def test_two_runs_in_one_folder_and_foreign_folders_are_refused(tmp_path: Path) -> None:
    source = make_source(tmp_path / "in", 1)
    store = cohort.Store(tmp_path / "out")
    with store.lock(), pytest.raises(UsageError, match="another run"):
        run_cohort(source, tmp_path / "out")
    with pytest.raises(UsageError, match="no part of a cohort"):
        run_cohort(source, source)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_costs_its_scans_and_the_rest_goes_on(
    tmp_path: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cohort, "PAUSE_SECONDS", 0.01)
    source, out = make_source(tmp_path / "in", 14), small_disk / "out"
    run_cohort(source, tmp_path / "calm", options=RunOptions(workers=1))
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(912 * 1024))  # a few cases find room, and no table
    report = run_cohort(source, out, options=RunOptions(workers=1))
    assert report.planned == 14 - report.unplanned and report.unplanned >= 1
    assert report.unsaved >= cohort.MOST_UNSAVED and report.no_tables and not report.clean
    assert "No space left on device" in report.no_room
    assert {code for _, code, _ in report.failures} == {"CF-A028"}
    assert not list(out.glob("*.csv")) and not list(out.rglob(".work-*"))
    kept = sum(b"CF-A028" not in p.read_bytes() for p in out.glob("cases/*/case.json"))
    assert kept >= 1
    ballast.unlink()
    report = run_cohort(source, out, options=RunOptions(workers=1))
    assert (report.skipped, report.planned, report.clean) == (kept, 14 - kept, True)
    assert tables_of(out) == tables_of(tmp_path / "calm")


def test_a_disk_full_from_the_start_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, **options: bool) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    source = make_source(tmp_path / "in", 3)
    monkeypatch.setattr(Path, "mkdir", full)
    report = run_cohort(source, tmp_path / "out")
    assert (report.units, report.planned, report.unplanned, report.clean) == (3, 0, 3, False)


def test_a_disk_that_gets_room_again_costs_what_came_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = make_source(tmp_path / "in", 12), tmp_path / "out"
    write, has_room, written, looked = Path.write_bytes, cohort.Store.has_room, [0], [0]

    def full_for_a_while(self: Path, data: bytes) -> int:
        written[0] += 1
        if written[0] > 15 and looked[0] < 3:  # from the third case on, until somebody looked for the third time
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    def look(self: cohort.Store, answer: Answer) -> bool:
        looked[0] += 1
        return has_room(self, answer)

    monkeypatch.setattr(Path, "write_bytes", full_for_a_while)
    monkeypatch.setattr(cohort.Store, "has_room", look)
    monkeypatch.setattr(cohort, "PAUSE_SECONDS", 0.0)
    report = run_cohort(source, out, options=RunOptions(workers=1))
    assert (report.planned, report.unsaved, report.unplanned, report.no_tables) == (10, 3, 2, False)
    assert len(rows_of(out / "cases.csv")) == 7
    report = run_cohort(source, out)
    assert (report.skipped, report.planned, report.clean) == (7, 5, True)


def test_rows_of_other_settings_are_in_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was planned with other settings and could not be planned again must not stand beside the new rows."""
    source, out = make_source(tmp_path / "in", 3), tmp_path / "out"
    run_cohort(source, out)
    monkeypatch.setattr(cohort.Store, "put", _no_room)
    report = run_cohort(source, out, settings_from({"plan": {"at_mm": [40]}}))
    assert report.unsaved == 3 and not rows_of(out / "cases.csv")


def _no_room(self: object, *args: object) -> None:
    raise InputError("CF-A028", "no room")


def test_the_key_stays_outside(tmp_path: Path) -> None:
    source, out = make_source(tmp_path / "in", 2), tmp_path / "out"
    with pytest.raises(UsageError, match="key file"):
        run_cohort(source, out, options=RunOptions(key_file=out / "key.csv"))
    run_cohort(source, out, options=RunOptions(key_file=tmp_path / "key.csv"))
    assert {Path(r["path"]).name for r in rows_of(tmp_path / "key.csv")} == {"scan-000", "scan-001"}
    assert (tmp_path / "key.csv").stat().st_mode & 0o077 == 0
    assert not [p for p in out.rglob("*") if p.is_file() and b"scan-000" in p.read_bytes()]


def test_a_process_is_replaced_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import canalfit.cohort.guard as guard

    source = make_source(tmp_path / "in", 5)
    run_cohort(source, tmp_path / "one", options=RunOptions(workers=1))
    started: list[object] = []
    real = subprocess.Popen
    monkeypatch.setattr(guard, "CASES_PER_PROCESS", 2)
    monkeypatch.setattr(guard.subprocess, "Popen", lambda *a, **k: started.append(a) or real(*a, **k))
    run_cohort(source, tmp_path / "many", options=RunOptions(workers=1))
    assert len(started) == 3
    assert tables_of(tmp_path / "one") == tables_of(tmp_path / "many")


def test_advice_names_columns_and_settings_and_not_options_of_plan(tmp_path: Path) -> None:
    """Every option that a refusal may advise is one that a cohort has another word for."""
    job = Job(Unit("a", tmp_path / "a", ""), Question(), CohortSettings(), "")
    assert told(job, "Name it: --bone femur, tibia or humerus.") == (
        "Name it: column bone, or bones in the settings: femur, tibia or humerus."
    )
    for top in ("sizing", "dicom_io"):
        for file in (Path(__file__).parents[2] / top).rglob("*.py"):
            for option in re.findall(r"(?<![-\w`])--[a-z][a-z-]+", file.read_text()):
                assert option in ("--json", "--supersedes", "--mask-label") or "--" not in told(job, option), file
