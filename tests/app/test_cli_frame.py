"""The frame of the command line: version, usage, and how errors become exit codes."""

import json
import subprocess
import sys

import pytest

from canalfit import __version__, cli, exit_codes
from sizing.errors import InputError
from sizing.intended_use import RESEARCH_USE


def test_version_carries_the_research_use_sentence(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out == f"canalfit {__version__}. {RESEARCH_USE}"


@pytest.mark.parametrize("argv", [[], ["no-such-command"], ["doctor", "--no-such-option"]])
def test_a_call_that_cannot_be_meant_is_usage(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(argv)
    assert stop.value.code == exit_codes.USAGE


def test_python_dash_m_runs_it() -> None:
    done = subprocess.run([sys.executable, "-m", "canalfit", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert __version__ in done.stdout


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (InputError("CF-D001", "no CT here", advice="Give another folder."), exit_codes.REFUSED, "CF-D001: no CT here"),
        (PermissionError(13, "Permission denied", "/no/way.png"), exit_codes.USAGE, "/no/way.png: Permission denied"),
        (OSError(28, "No space left on device"), exit_codes.USAGE, "writing failed: No space left on device"),
        (KeyboardInterrupt(), exit_codes.INTERRUPTED, "stopped"),
        (ZeroDivisionError("by\nzero"), exit_codes.INTERNAL, "ZeroDivisionError: by zero (test_cli_frame.py:"),
    ],
)
def test_errors_become_exit_codes_and_one_line(error, code, words, monkeypatch, capsys) -> None:
    def fail(args):
        raise error

    monkeypatch.setattr("canalfit.commands.doctor.run", fail)
    monkeypatch.delenv("CANALFIT_TRACEBACK", raising=False)
    assert cli.main(["doctor"]) == code
    streams = capsys.readouterr()
    assert streams.out == ""
    assert len(streams.err.splitlines()) == 1 and words in streams.err


def test_the_command_line_starts_without_heavy_libraries() -> None:
    heavy = ["scipy", "skimage", "trimesh", "pyvista", "vtkmodules", "matplotlib", "pydicom", "rich", "jinja2"]
    code = f"import sys, canalfit.cli as c\nc.build_parser()\nprint([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_doctor_as_json(capsys: pytest.CaptureFixture) -> None:
    code = cli.main(["doctor", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["canalfit"] == __version__
    assert report["foreign_packages"] == []
    assert (code == exit_codes.OK) == (report["complaints"] == [])
