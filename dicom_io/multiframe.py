"""Enhanced and legacy-converted multi-frame CT: every frame described as if it were a file of its own (row 15).

A frame's attributes are the file's, overlaid with the shared functional groups and then with its own
(PS3.3 C.7.6.16), so that one set of checks serves single-frame and multi-frame objects alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dicom_io.elements import Elements, Value
from dicom_io.errors import DicomError
from dicom_io.header import Frame, SourceFile, frame_of
from dicom_io.tags import FUNCTIONAL_MACROS, SEQUENCES


def frames_of(file: SourceFile, elements: Elements) -> list[Frame]:
    """Return one frame for each image of a file."""
    first = frame_of(file, elements, elements.values)
    values = frame_values(elements)
    if not values:
        if first.pixels.n_frames > 1:
            return [_with_problem(first, "has several frames but no functional groups that say where they lie")]
        return [first]
    if len(values) != first.pixels.n_frames:
        text = f"announces {first.pixels.n_frames} frames and describes {len(values)}"
        return [_with_problem(first, text)]
    return [frame_of(file, elements, group, index) for index, group in enumerate(values)]


def frame_values(elements: Elements) -> list[Mapping[int, Value]]:
    """Return the attributes of each frame that functional groups describe; empty without such groups."""
    top = elements.values
    per_frame = top.get(SEQUENCES["PerFrameFunctionalGroupsSequence"])
    if not isinstance(per_frame, list):
        return []
    shared = top.get(SEQUENCES["SharedFunctionalGroupsSequence"])
    common = {**top, **_flat(shared[0] if isinstance(shared, list) and shared else {})}
    return [{**common, **_flat(group)} for group in per_frame]


def _flat(group: dict[int, Value]) -> dict[int, Value]:
    """Return the attributes of a functional group's macros, each macro being a sequence of one item."""
    flat: dict[int, Value] = {}
    for macro in FUNCTIONAL_MACROS:
        items = group.get(macro)
        if isinstance(items, list) and items:
            flat.update(items[0])
    return flat


def _with_problem(frame: Frame, text: str) -> Frame:
    problem = DicomError(
        "CF-D015",
        f"the multi-frame object {text}",
        where=frame.file.name,
        advice="Export the series as single images, or again as enhanced CT.",
    )
    return replace(frame, problems=(problem, *frame.problems))
