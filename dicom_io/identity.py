"""Keeps a patient's identity out of everything that leaves this room.

A case goes by a pseudonym made from patient ID and issuer by a slow one-way hash: the same patient
always has the same pseudonym, and trying out all numbers of a hospital takes long.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from functools import lru_cache

from dicom_io.errors import DicomError
from dicom_io.header import Frame, HeaderReader
from sizing.findings import Finding

_SALT = b"canalfit pseudonym 1"
_SCRYPT_N, _SCRYPT_R = 2**14, 8  # about 50 ms and 16 MB for one try
_SHORTEST = 3  # shorter parts of a name strike out too much
_MARK = "***"


def pseudonym_of(frame: Frame) -> str:
    """Return ``case-`` and ten hexadecimal digits; of the study where there is no patient ID."""
    read = HeaderReader(frame.values)
    patient = read.raw("PatientID").strip(b" \x00")
    secret = (
        b"\n".join([patient, read.raw("IssuerOfPatientID").strip(b" \x00")]) if patient else frame.study_uid.encode()
    )
    return f"case-{_slow_hash(secret)}"


@lru_cache(maxsize=64)
def _slow_hash(secret: bytes) -> str:
    return hashlib.scrypt(secret, salt=_SALT, n=_SCRYPT_N, r=_SCRYPT_R, p=1, dklen=5).hex()


class Scrubber:
    """Strikes a patient's name and ID out of texts.

    Parameters
    ----------
    frame : Frame or None
        An image of the patient; None strikes out nothing.
    """

    def __init__(self, frame: Frame | None) -> None:
        self._pattern: re.Pattern[str] | None = None
        if frame is None:
            return
        read = HeaderReader(frame.values)
        parts = [*re.split(r"[\s^=,._\-]+", read.text("PatientName")), read.text("PatientID")]
        words = sorted({re.escape(p) for p in parts if len(p) >= _SHORTEST}, key=len, reverse=True)
        if words:
            self._pattern = re.compile(f"(?:{'|'.join(words)})+", re.IGNORECASE)

    def clean(self, text: str) -> str:
        """Return the text without name and ID."""
        return self._pattern.sub(_MARK, text) if self._pattern else text

    def clean_error(self, error: DicomError) -> DicomError:
        """Return the refusal without name and ID; those that travel with it as well."""
        if self._pattern is None:
            return error
        words = {k: self.clean(getattr(error, k)) for k in ("where", "measured", "expected", "advice")}
        clean = DicomError(error.code, self.clean(error.what), **words)
        clean.others = tuple(self.clean_error(other) for other in error.others)
        clean.findings = tuple(self.clean_finding(f) for f in error.findings)
        return clean

    def clean_finding(self, finding: Finding) -> Finding:
        """Return the finding without name and ID."""
        return replace(finding, message=self.clean(finding.message), advice=self.clean(finding.advice))
