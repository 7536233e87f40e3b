"""What is said of a scan in the tables: without its place, and in the words of a cohort."""

from __future__ import annotations

import os
import re

from canalfit.cohort.answer import INTERNAL, WHOLE_SCAN, Job

# Sentences advise options of ``canalfit plan``; a cohort has columns and settings in their stead.
_IN_A_COHORT = {
    "bone": "column bone, or bones in the settings:",
    "side": "column side:",
    "distal": "column distal:",
    "series": "column series",
    "resect-at": "column or setting at_mm",
    "allow-gap": "allow_gap under [reading] in the settings:",
    "resample": "resample = true under [reading] in the settings",
    "assume-hu": "assume_hu = true under [reading] in the settings",
    "allow-uncalibrated": "allow_uncalibrated = true under [reading] in the settings",
}
_OPTION = re.compile(rf"--({'|'.join(_IN_A_COHORT)})\b")


def told(job: Job, sentence: str) -> str:
    """Return a sentence as it stands in the tables."""
    return _OPTION.sub(lambda found: _IN_A_COHORT[found[1]], without_place(job, sentence))


def without_place(job: Job, text: str) -> str:
    """Return a text without the path of the scan, which may be a patient's name."""
    path = job.unit.path
    for place in (str(path.resolve()), str(path), path.name if path.is_file() else ""):
        text = text.replace(place, WHOLE_SCAN) if place else text
    return text


def internal_sentence(error: BaseException) -> str:
    """Name our own mistake in one line, with its place."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f" ({os.path.basename(place.tb_frame.f_code.co_filename)}:{place.tb_lineno})" if place else ""
    text = " ".join(str(error).split())[:200]
    return f"{INTERNAL}: internal error, our fault: {type(error).__name__}: {text}{where}. Please report it."
