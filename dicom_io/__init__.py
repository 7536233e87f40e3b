"""The only room that knows DICOM: finds series, refuses what cannot be trusted, reads Hounsfield units in LPS mm."""

from dicom_io.card import SeriesCard, TruthCard, Verdict, truth_card
from dicom_io.catalog import SeriesEntry
from dicom_io.errors import DicomError
from dicom_io.label_map import LabelMap
from dicom_io.labels import read_labels
from dicom_io.options import ReadOptions
from dicom_io.scan import SeriesList, find_series
from dicom_io.series import ReadResult, read_series
from dicom_io.write import write_ct_series

__all__ = [
    "DicomError",
    "LabelMap",
    "ReadOptions",
    "ReadResult",
    "SeriesCard",
    "SeriesEntry",
    "SeriesList",
    "TruthCard",
    "Verdict",
    "find_series",
    "read_labels",
    "read_series",
    "truth_card",
    "write_ct_series",
]
