"""Draws pages and picture of a report on the second core: in children that get ready while the plan is being made."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from sizing.threads import cores
from viewer.child import Child
from viewer.page_frame import ReportCase
from viewer.pages import write_pdf
from viewer.render import Picture, picture_child
from viewer.scene_picture import Caption, Shot, View, compose

# Pages take a second or two; a child that takes this long is stuck, and the pages are drawn here.
_SECONDS = 60.0

Composition = tuple[list[View], Caption, Path]  # what ``compose`` takes


class Press:
    """Where one report is drawn: here or, as a context, in children on another core.

    Drawing needs matplotlib, fonts, SciPy and VTK, which take as long to load as a case takes to plan. Entered at
    the start of a run, the press has children that have loaded them when the plan is there:

        with Press() as press:
            plan = ...
            start_picture(plan, press)
            start_report(plan, ..., press=press).finish()

    Without a second core, and where the child fails, the pages are drawn in this process; the picture always has
    a child of its own, because OpenGL may kill it. Leaving the context ends the children, also after an error.
    """

    def __init__(self) -> None:
        self._pages: Child | None = None
        self._picture: Child | None = None
        self._started: Picture | None = None

    def __enter__(self) -> Self:
        if cores() > 1:
            with suppress(OSError):  # no more processes can be made now: what is missing is made when it is needed
                self._pages = Child("viewer.press_child")
                self._picture = picture_child()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for child in (self._pages, self._picture):
            if child is not None:
                child.stop()
        if self._started is not None:
            self._started.close()

    def start_pages(self, case: ReportCase, path: Path) -> None:
        """Hand the pages to the child, which serves once; without a child nothing happens yet."""
        if self._pages is not None:
            self._pages.send((case, path), last=False)

    def finish_pages(
        self, case: ReportCase, path: Path, picture: tuple[list[View], Caption, Path] | None = None
    ) -> None:
        """Wait for the pages of ``start_pages``, and for the picture that its views are put together to.

        Raises
        ------
        OSError
            ``path`` cannot be written.
        """
        child, self._pages = self._pages, None
        if child is not None:
            child.send(picture)
            if child.worked(_SECONDS):
                return
        write_pdf(case, path)
        if picture is not None:
            compose(*picture)

    @property
    def picture_started(self) -> bool:
        """Whether ``start_picture`` was called."""
        return self._started is not None

    def start_picture(self, shots: tuple[Shot, ...]) -> None:
        """Have the views of the picture drawn."""
        self._picture = self._picture or picture_child()
        self._started = Picture(shots, self._picture)

    def views(self) -> list[View] | None:
        """Wait for the views of ``start_picture``; None where they cannot be drawn."""
        assert self._started is not None
        return self._started.views()
