"""Implants and reamer trays as data, each row with its source."""

from sizing.implants.catalogue import load_catalogue
from sizing.implants.model import Catalogue, Fixation, ImplantTemplate, Preparation, Provenance
from sizing.implants.reamer_sets import load_reamer_set, reamer_set_names

__all__ = [
    "Catalogue",
    "Fixation",
    "ImplantTemplate",
    "Preparation",
    "Provenance",
    "load_catalogue",
    "load_reamer_set",
    "reamer_set_names",
]
