"""From headers to stacks that could be volumes, and which of them is meant (rows 4, 8 and 10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

import dicom_io.limits as limits
from dicom_io.errors import DicomError
from dicom_io.header import Frame, HeaderReader

CT_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.2.1": "enhanced CT",
    "1.2.840.10008.5.1.4.1.1.2.2": "legacy-converted CT",
}
# Slices of one stack agree far better than this; images of another direction do not.
_SAME_STACK_COSINE = 0.01
_SHORTEST_UID_START = 8  # fewer characters of a UID are the maker's root, not a series


@dataclass(frozen=True)
class SeriesEntry:
    """One stack of images that could be read as a volume.

    Attributes
    ----------
    selector : str
        What to pass as ``series=`` (``--series``) to choose it; unique in its list.
    frames : tuple of Frame
        In the order of the files.
    part : str
        What tells this stack from others of the same series; empty when it is the only one.
    """

    selector: str
    frames: tuple[Frame, ...]
    part: str = ""

    @property
    def uid(self) -> str:
        """Series Instance UID."""
        return self.frames[0].series_uid

    @property
    def modality(self) -> str:
        """As the header says: CT, MR, PT."""
        return self.frames[0].modality

    @property
    def is_candidate(self) -> bool:
        """Return True if it is a stack of CT slices, not a scout, a dose sheet or another modality."""
        first = self.frames[0]
        return first.modality == "CT" and first.sop_class in ("", *CT_CLASSES) and not first.is_localizer

    @property
    def description(self) -> str:
        """Series Description."""
        return HeaderReader(self.frames[0].values).text("SeriesDescription")

    def describe(self) -> str:
        """Return one line for a person who has to choose."""
        first = self.frames[0]
        thickness = first.slice_thickness_mm
        parts = [
            f"{first.modality or 'unknown modality'}{' scout' if first.is_localizer else ''}",
            f"{len(self.frames)} image{'s' * (len(self.frames) > 1)}",
            self.description,
            self.part,
            f"kernel {first.kernel}" if first.kernel else "",
            f"{thickness:g} mm" if thickness else "",
        ]
        return f"{self.selector} ({', '.join(p for p in parts if p)})"


def group(frames: Sequence[Frame]) -> Iterator[SeriesEntry]:
    """Sort images into stacks; every image is in exactly one."""
    series: dict[tuple[str, bool], list[Frame]] = {}
    for frame in frames:
        series.setdefault((frame.series_uid, frame.is_localizer), []).append(frame)
    numbers = Counter(s[0].series_number for s in series.values())
    for at, images in enumerate(series.values(), start=1):
        number = images[0].series_number
        selector = str(number) if number is not None and numbers[number] == 1 else f"#{at}"
        stacks = [part for stack in _by_appearance(images) for part in _by_repetition(stack)]
        for k, (stack, part) in enumerate(stacks, start=1):
            yield SeriesEntry(f"{selector}.{k}" if len(stacks) > 1 else selector, tuple(stack), part)


def _by_appearance(images: list[Frame]) -> list[list[Frame]]:
    """Split by modality, matrix, direction and kernel; a few odd images stay, to be refused by name (row 10)."""
    stacks: list[list[Frame]] = []
    for image in images:
        home = next((s for s in stacks if _look_alike(s[0], image)), None)
        if home is None:
            stacks.append([image])
        else:
            home.append(image)
    stacks.sort(key=len, reverse=True)
    large = [s for s in stacks if len(s) >= limits.MIN_SLICES] or stacks[:1]
    for odd in stacks:
        if not any(odd is s for s in large):
            large[0].extend(odd)
    return large


def _look_alike(a: Frame, b: Frame) -> bool:
    if (a.modality, a.sop_class, a.kernel) != (b.modality, b.sop_class, b.kernel):
        return False
    if (a.pixels.rows, a.pixels.columns) != (b.pixels.rows, b.pixels.columns):
        return False
    if a.orientation is None or b.orientation is None:
        return a.orientation is b.orientation
    return max(abs(x - y) for x, y in zip(a.orientation, b.orientation, strict=True)) < _SAME_STACK_COSINE


def heights_mm(frames: Sequence[Frame]) -> np.ndarray | None:
    """Return positions along the slice normal (row direction x column direction), None where one is unknown."""
    orientation = frames[0].orientation
    if orientation is None or any(f.position_lps is None for f in frames):
        return None
    normal = np.cross(orientation[:3], orientation[3:])
    return np.array([f.position_lps for f in frames]) @ (normal / np.linalg.norm(normal))


def _repeats(frames: Sequence[Frame]) -> bool:
    heights = heights_mm(frames)
    return heights is not None and bool(np.any(np.diff(np.sort(heights)) < limits.SAME_POSITION_MM))


def _value(keyword: str) -> Callable[[Frame], str]:
    return lambda frame: HeaderReader(frame.values).raw(keyword).strip(b" \x00").decode("ascii", "replace")


# In this order: the first that tells repeated slices apart wins.
_SPLITTERS: tuple[tuple[str, Callable[[Frame], str]], ...] = (
    ("acquisition", lambda frame: frame.acquisition),
    ("trigger time", _value("TriggerTime")),
    ("temporal position", _value("TemporalPositionIndex")),
    ("stack", _value("StackID")),
    ("content time", _value("ContentTime")),
    ("image type", lambda frame: "\\".join(frame.image_type)),
)


def _by_repetition(stack: list[Frame]) -> list[tuple[list[Frame], str]]:
    """Split a stack whose positions repeat, where one attribute tells complete stacks apart (row 4)."""
    if len({f.sop_uid for f in stack}) < len(stack) and all(f.pixels.n_frames == 1 for f in stack):
        return [(stack, "")]  # the same objects twice: row 3
    if not _repeats(stack):
        return _by_interleaving(stack)
    for name, key in _SPLITTERS:
        parts: dict[str, list[Frame]] = {}
        for frame in stack:
            parts.setdefault(key(frame), []).append(frame)
        sizes = [len(p) for p in parts.values()]
        if len(parts) > 1 and 2 * min(sizes) >= max(sizes) > 1 and not any(_repeats(p) for p in parts.values()):
            return [(part, f"{name} {value or 'unknown'}") for value, part in parts.items()]
    return [(stack, "")]


def _by_interleaving(stack: list[Frame]) -> list[tuple[list[Frame], str]]:
    """Split a stack into acquisitions that cover the same stretch: the patient may have moved between them."""
    heights = heights_mm(stack)
    parts: dict[str, list[int]] = {}
    for i, frame in enumerate(stack):
        parts.setdefault(frame.acquisition, []).append(i)
    if heights is None or len(parts) == 1 or min(len(p) for p in parts.values()) < limits.MIN_SLICES:
        return [(stack, "")]
    spans = [(heights[p].min(), heights[p].max()) for p in parts.values()]
    shared = min(high for _, high in spans) - max(low for low, _ in spans)
    if 2 * shared < min(high - low for low, high in spans):
        return [(stack, "")]  # one after the other, as a table that moves on
    return [([stack[i] for i in part], f"acquisition {value or 'unknown'}") for value, part in parts.items()]


def choose(entries: Sequence[SeriesEntry], series: str | None, source: str) -> SeriesEntry:
    """Return the one stack that is meant, or refuse with the list of what there is."""
    if series is not None:
        hits = [e for e in entries if series in (e.selector, e.uid)]
        if not hits and len(series) >= _SHORTEST_UID_START:
            hits = [e for e in entries if e.uid.startswith(series)]
        if not hits:
            raise DicomError("CF-D008a", f"no series answers to {series!r}", where=source, advice=_menu(entries))
        if len(hits) > 1:
            raise _several(hits, source)
        return hits[0]
    candidates = [e for e in entries if e.is_candidate]
    if not candidates:
        raise _no_ct(entries, source)
    large = [e for e in candidates if len(e.frames) >= limits.MIN_SLICES] or candidates
    if len(large) > 1:
        raise _several(large, source)
    return large[0]


def _several(entries: Sequence[SeriesEntry], source: str) -> DicomError:
    if len({e.uid for e in entries}) == 1 and entries[0].part:
        what = f"the series holds {len(entries)} stacks over the same stretch of the body"
        return DicomError("CF-D004a", what, where=source, advice=_menu(entries))
    return DicomError("CF-D008", f"there are {len(entries)} CT series", where=source, advice=_menu(entries))


def _no_ct(entries: Sequence[SeriesEntry], source: str) -> DicomError:
    kinds = Counter(f"{e.modality or 'unknown'}{' scout' if e.frames[0].is_localizer else ''}" for e in entries)
    return DicomError(
        "CF-D019",
        "there is no CT series",
        where=source,
        measured=", ".join(f"{n} x {kind}" for kind, n in kinds.items()),
        expected="CT slices",
        advice="Only CT carries Hounsfield units; choose the folder of the CT.",
    )


def _menu(entries: Sequence[SeriesEntry]) -> str:
    best = suggest(entries)
    hint = f" Suggested: {best.selector}." if best and len(entries) > 1 else ""
    return "Choose one with --series: " + "; ".join(e.describe() for e in entries) + "." + hint


def suggest(entries: Sequence[SeriesEntry]) -> SeriesEntry | None:
    """Return the stack to try first: original axial slices, the thinnest, the most. Only ever a suggestion."""
    candidates = [e for e in entries if e.is_candidate]

    def rank(entry: SeriesEntry) -> tuple:
        first = entry.frames[0]
        enough = len(entry.frames) >= limits.MIN_SLICES
        original = {"ORIGINAL", "PRIMARY", "AXIAL"} <= set(first.image_type)
        return (not enough, not original, first.slice_thickness_mm or np.inf, -len(entry.frames), entry.selector)

    return min(candidates, key=rank, default=None)
