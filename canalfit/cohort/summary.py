"""What is made of all finished cases: tables, answers for the shelf, page, and last the manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from canalfit import __version__
from canalfit.case import library_versions
from canalfit.cohort.page import write_page
from canalfit.cohort.parquet import write_parquet
from canalfit.cohort.plots import write_plots
from canalfit.cohort.settings import CohortSettings, hash_of
from canalfit.cohort.shelf_tables import shelf_texts
from canalfit.cohort.store import MANIFEST, Marker, Store
from canalfit.cohort.tables import write_tables
from sizing.errors import InputError
from sizing.implants.model import Catalogue
from sizing.intended_use import RESEARCH_USE

SCHEMA = "canalfit-cohort/1"


def write_summary(
    store: Store, markers: Sequence[Marker], settings: CohortSettings, catalogue: Catalogue, *, parquet: bool = False
) -> None:
    """Write everything but the cases; nothing is written where nothing has changed since the last time.

    Raises
    ------
    InputError
        CF-A028: there is no room; no table is left, as they must be of one run.
    """
    body: dict[str, Any] = {
        "schema": SCHEMA,
        "statement": RESEARCH_USE,
        "canalfit": __version__,
        "libraries": library_versions(),
        "settings": settings.to_plain(),
        "settings_sha256": hash_of(settings.to_plain()),
        "catalogue_version": catalogue.version,
        "catalogue_sha256": catalogue.sha256,
        "n_cases": len(markers),
        "cases_sha256": hash_of([m.content for m in markers]),
        "parquet": parquet,
    }
    earlier = read_manifest(store)
    if all(earlier.get(k) == v for k, v in body.items()) and _there(store, earlier):
        return
    store.remove(MANIFEST)  # what follows is whole only when it is there again
    try:
        _write(store, markers, settings, body)
    except InputError:
        store.remove_tables()  # no tables rather than some new and some old
        raise


def _write(store: Store, markers: Sequence[Marker], settings: CohortSettings, body: dict[str, Any]) -> None:
    hashes = write_tables(store, markers)
    for name, data in shelf_texts(store.folder, settings.shelf).items():
        store.write(name, data)
        hashes[name] = hashlib.sha256(data).hexdigest()
    body["tables_sha256"] = hashes
    if body["parquet"]:
        write_parquet(store)
    write_plots(store)
    write_page(store, body)
    store.write(MANIFEST, (json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode())


def read_manifest(store: Store) -> dict[str, Any]:
    """Read the manifest; empty where there is none, or none that can be read."""
    try:
        data = json.loads((store.folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _there(store: Store, manifest: dict[str, Any]) -> bool:
    return all((store.folder / name).is_file() for name in manifest.get("tables_sha256", {"": ""}))
