"""The tables once more as Parquet, with the types of the data dictionary; needs the extra ``cohort``."""

from __future__ import annotations

import importlib.util
import io

from canalfit.cohort.columns import TABLES
from canalfit.cohort.shelf_columns import ANSWERS
from canalfit.cohort.store import Store
from sizing.errors import UsageError


def require_parquet() -> None:
    """Raise UsageError where Parquet cannot be written, before hours of planning are spent."""
    if importlib.util.find_spec("pyarrow") is None:
        raise UsageError("--parquet needs pyarrow: pip install 'canalfit[cohort]'")


def write_parquet(store: Store) -> None:
    """Write <table>.parquet beside every table."""
    import pyarrow as pa
    import pyarrow.csv as arrow_csv
    import pyarrow.parquet as arrow_parquet

    kinds = {"text": pa.string(), "number": pa.float64(), "count": pa.int64(), "flag": pa.bool_()}
    for name, columns in (TABLES | ANSWERS).items():
        types = {c.name: kinds[c.kind] for c in columns}
        options = arrow_csv.ConvertOptions(
            column_types=types, true_values=["yes"], false_values=["no"], null_values=[""], strings_can_be_null=True
        )
        table = arrow_csv.read_csv(store.folder / f"{name}.csv", convert_options=options)
        out = io.BytesIO()
        arrow_parquet.write_table(table, out, compression="zstd")
        store.write(f"{name}.parquet", out.getvalue())
