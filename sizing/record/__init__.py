"""Plans as canonical JSON: loss-free, hashed, and read back into the same objects."""

from sizing.record.codec import unpack_floats
from sizing.record.compare import Difference, differences
from sizing.record.plan import (
    SCHEMA,
    SCHEMA_VERSION,
    InputFile,
    InputManifest,
    MaskFile,
    Provenance,
    check_record,
    manifest_from_record,
    plan_from_record,
    plan_record,
    plan_to_record,
    provenance_of,
    read_record,
    reamers_from_record,
    record_text,
    settings_from_record,
)
from sizing.record.summary import summarize

__all__ = [
    "SCHEMA",
    "SCHEMA_VERSION",
    "Difference",
    "InputFile",
    "InputManifest",
    "MaskFile",
    "Provenance",
    "check_record",
    "differences",
    "manifest_from_record",
    "plan_from_record",
    "plan_record",
    "plan_to_record",
    "provenance_of",
    "read_record",
    "reamers_from_record",
    "record_text",
    "settings_from_record",
    "summarize",
    "unpack_floats",
]
