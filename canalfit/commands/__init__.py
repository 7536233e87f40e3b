"""The sub-commands: one module each, listed here in the order of ``canalfit --help``.

A module offers ``add_parser(subparsers) -> ArgumentParser`` and ``run(args) -> int`` (an exit
code, see ``canalfit.exit_codes``). At module level it imports only what is cheap: every call of
``canalfit`` imports all of them. ``--json`` and ``--quiet`` are added to each by the command line;
``args.console`` is where ``run`` writes.
"""

COMMANDS: tuple[str, ...] = (
    "info",
    "plan",
    "cohort",
    "catalogue",
    "custom",
    "diff",
    "verify",
    "view",
    "phantom",
    "selfcheck",
    "doctor",
)
