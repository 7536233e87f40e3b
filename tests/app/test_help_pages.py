"""Every command says what it does, and what each of its arguments is for."""

import argparse

import pytest

from canalfit.cli import build_parser
from canalfit.commands import COMMANDS


def parsers() -> dict[str, argparse.ArgumentParser]:
    (action,) = (a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(action.choices)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_page_says_what_the_command_does(name: str) -> None:
    page = parsers()[name]
    assert page.description and page.description[0].isupper() and page.description.endswith(".")


def test_view_reads_a_series_with_every_option_of_reading() -> None:
    args = build_parser().parse_args(["view", "somewhere", "--allow-gap", "2", "--resample"])
    assert (args.allow_gap, args.resample, args.assume_hu) == (2, True, False)
