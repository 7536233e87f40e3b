"""Plans as canonical JSON: loss-free, hashed, and read back into the same objects."""

from sizing.record.codec import unpack_floats
from sizing.record.plan import (
    SCHEMA,
    SCHEMA_VERSION,
    InputFile,
    InputManifest,
    Provenance,
    check_record,
    manifest_from_record,
    plan_from_record,
    plan_to_record,
    provenance_of,
    read_record,
    record_text,
)
from sizing.record.summary import summarize

__all__ = [
    "SCHEMA",
    "SCHEMA_VERSION",
    "InputFile",
    "InputManifest",
    "Provenance",
    "check_record",
    "manifest_from_record",
    "plan_from_record",
    "plan_to_record",
    "provenance_of",
    "read_record",
    "record_text",
    "summarize",
    "unpack_floats",
]
