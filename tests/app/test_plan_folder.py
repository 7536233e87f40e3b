"""A plan folder is whole or absent, and nobody else's files are touched."""

from pathlib import Path

import pytest

from canalfit.folder import check_outside, whole_or_absent
from sizing.errors import UsageError


def write(target: Path, text: str, force: bool = False) -> None:
    with whole_or_absent(target, force=force) as work:
        assert work.parent == target.resolve().parent, "the last move must stay on one file system"
        (work / "plan.json").write_text(text)
        (work / "fits.csv").write_text(text)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_new_folder_appears_whole_with_ordinary_permissions(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "plan"
    write(target, "one")
    assert names(target) == ["fits.csv", "plan.json"]
    (tmp_path / "ordinary").mkdir()
    assert target.stat().st_mode == (tmp_path / "ordinary").stat().st_mode
    assert names(target.parent) == ["plan"], "nothing temporary is left behind"


def test_an_error_leaves_nothing_and_an_earlier_plan_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "plan"
    for earlier in (False, True):
        if earlier:
            write(target, "one")
        with pytest.raises(ZeroDivisionError), whole_or_absent(target) as work:
            (work / "plan.json").write_text("half")
            raise ZeroDivisionError
        assert names(tmp_path) == (["plan"] if earlier else [])
    assert (target / "plan.json").read_text() == "one"


def test_an_earlier_plan_is_replaced_and_its_stale_files_go(tmp_path: Path) -> None:
    target = tmp_path / "plan"
    write(target, "one")
    (target / "scene.png").write_text("stale")
    write(target, "two")
    assert names(target) == ["fits.csv", "plan.json"]
    assert (target / "plan.json").read_text() == "two"
    assert names(tmp_path) == ["plan"]


@pytest.mark.parametrize("foreign", ["notes.txt", "scene.png/inner"])
def test_a_foreign_folder_is_refused_and_with_force_keeps_its_files(tmp_path: Path, foreign: str) -> None:
    target = tmp_path / "plan"
    (target / foreign).parent.mkdir(parents=True)
    (target / foreign).write_text("mine")
    with pytest.raises(UsageError, match="no part of a plan"):
        write(target, "one")
    if foreign == "notes.txt":
        (target / "scene.png").write_text("stale")
        write(target, "one", force=True)
        assert names(target) == ["fits.csv", "notes.txt", "plan.json"]
    assert (target / foreign).read_text() == "mine"


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        write(tmp_path / "plan", "one", force=True)
    assert (tmp_path / "plan").read_text() == "mine"


def test_a_full_disk_or_a_forbidden_place_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "plan"
    with pytest.raises(UsageError, match="plan cannot be written"), whole_or_absent(target):
        raise OSError(28, "No space left on device")
    assert names(tmp_path) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"), whole_or_absent(tmp_path / "file" / "plan"):
        pytest.fail("there is no place to write to")


@pytest.mark.parametrize("place", ["scan", "scan/plan", "scan/a/b/../plan"])
def test_results_do_not_go_among_the_files_of_a_scan(tmp_path: Path, place: str) -> None:
    (tmp_path / "scan").mkdir()
    with pytest.raises(UsageError, match="inside the scan's folder"):
        check_outside(tmp_path / place, tmp_path / "scan")
    check_outside(tmp_path / "scan-plan", tmp_path / "scan")
    check_outside(tmp_path, tmp_path / "scan")
