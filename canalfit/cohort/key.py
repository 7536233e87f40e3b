"""Which case is which place of the source: written on request only, and outside the results."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from canalfit.cohort.cases import Unit
from canalfit.cohort.store import Marker, Store, writing
from canalfit.tables import csv_text
from sizing.errors import UsageError


def check_key(path: Path | None, store: Store) -> None:
    """Raise UsageError if the key would lie in the folder that is made to be passed on."""
    if path is not None and store.folder.resolve() in Path(path).resolve().parents:
        raise UsageError("the key file must not lie in the folder of results, which is made to be passed on")


def write_key(path: Path, markers: Sequence[Marker], units: Sequence[Unit]) -> None:
    """Write which case is which place of the source; the file is for its owner only."""
    names = {unit.signature: str(unit.path) for unit in units}
    rows = [[m.case, m.patient, names[m.signature]] for m in markers]
    with writing(path), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(csv_text(["case", "patient", "path"], rows))
