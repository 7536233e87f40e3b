"""The tables once more as Parquet, with the types of the data dictionary; needs the extra ``cohort``."""

from __future__ import annotations

import io

from canalfit.cohort.columns import TABLES
from canalfit.cohort.store import Store
from sizing.errors import UsageError


def write_parquet(store: Store) -> None:
    """Write <table>.parquet beside every table; raises UsageError without pyarrow."""
    try:
        import pyarrow as pa
        import pyarrow.csv as arrow_csv
        import pyarrow.parquet as arrow_parquet
    except ImportError:
        raise UsageError("--parquet needs pyarrow: pip install 'canalfit[cohort]'") from None
    kinds = {"text": pa.string(), "number": pa.float64(), "count": pa.int64(), "flag": pa.bool_()}
    for name, columns in TABLES.items():
        types = {c.name: kinds[c.kind] for c in columns}
        options = arrow_csv.ConvertOptions(
            column_types=types, true_values=["yes"], false_values=["no"], null_values=[""], strings_can_be_null=True
        )
        table = arrow_csv.read_csv(store.folder / f"{name}.csv", convert_options=options)
        out = io.BytesIO()
        arrow_parquet.write_table(table, out, compression="zstd")
        store.write(f"{name}.parquet", out.getvalue())
