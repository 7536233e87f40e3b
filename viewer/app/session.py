"""The planner's state: what is chosen, where it is, what may be undone. Knows no browser and no window.

Each change makes a new frozen ``State``; the numbers in it come from ``sizing.fit``. A fit is
measured at once, so that numbers and pictures change together; what each reamer cuts follows with
``complete`` (it takes longer, and is kept with the state).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from sizing.errors import UsageError
from sizing.findings import Finding
from sizing.fit import OUTLOOK_CODES, Fit, FitContext, fit_context, with_reaming
from sizing.fit.measure import measure_fits
from sizing.fit.placement import place_axis
from sizing.implants.model import Catalogue, ImplantTemplate
from sizing.planning import Ancestry, ImplantationPlan, PlanSettings, Review, plan_canal, with_outlook
from sizing.reaming import ToolAxis, hole_of
from viewer.app.moves import NOT_MOVED, Move, moved

UNDO_DEPTH = 200
OF_SCAN, OF_BONE = ("CF-D",), ("CF-S",)  # codes of findings of reading, and of the bone
OF_PROPOSAL = (*OUTLOOK_CODES, "CF-F002")
KEPT_REAMED = 4  # states that keep what each reamer cuts: about 10 MB each
SAME_SIZE_MM = 1e-6  # rounding of a typed number; the steps of a catalogue are tenths of a millimetre


@dataclass(frozen=True)
class State:
    """One moment of planning.

    Attributes
    ----------
    plan : ImplantationPlan
        What was found by the last search: the canal, the ranking.
    context : FitContext
        Canal and thresholds of this moment.
    fit : Fit
        The implant where it is now.
    base_axis : ToolAxis
        Where it was proposed; ``move`` is relative to it.
    ranking_current : bool
        False after a change of the limit, until the next search.
    """

    plan: ImplantationPlan
    context: FitContext
    fit: Fit
    base_axis: ToolAxis
    move: Move = NOT_MOVED
    review: Review | None = None
    ranking_current: bool = True
    changes: tuple[str, ...] = ()

    @property
    def wall_limit_mm(self) -> float:
        """Least wall that reaming may leave."""
        return self.context.settings.wall_limit_mm

    @property
    def as_found(self) -> bool:
        """The implant is the one that the search put forward, where it put it, under the limit of the search."""
        found = self.plan.drawn
        same = found is not None and found.implant.part_number == self.fit.implant.part_number
        return same and self.move.none and self.ranking_current

    @property
    def status(self) -> str:
        """DRAFT, until a person has reviewed exactly this."""
        return replace(self.plan, review=self.review).status


@dataclass
class Session:
    """A planning session: the present state, what lies before and after it, and a lock.

    Parameters
    ----------
    plan : ImplantationPlan
    catalogue : Catalogue
    replan : callable or None
        ``replan(settings) -> ImplantationPlan`` from the scan; None where the scan is not at hand.
    """

    plan: ImplantationPlan
    catalogue: Catalogue
    replan: Callable[[PlanSettings], ImplantationPlan] | None = None
    locked: bool = False
    compared: State | None = None
    parent_plan_sha256: str = ""
    _past: list[State] = field(default_factory=list)
    _future: list[State] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = self._opened(self.plan)
        self.proposal = self.state

    # -- changes ---------------------------------------------------------------------------------

    def choose(self, part_number: str) -> None:
        """Take another implant of the catalogue; where it was not moved, in its own best place."""
        if part_number != self.state.fit.implant.part_number:
            self._take(self._implant(part_number), f"implant {part_number}")

    def step_diameter(self, steps: int) -> None:
        """Take the same stem some sizes thicker or thinner; stays at the end of the row."""
        self._step("diameter_mm", steps)

    def step_length(self, steps: int) -> None:
        """Take the same stem some lengths longer or shorter."""
        self._step("length_mm", steps)

    def set_size(self, name: str, value_mm: float) -> None:
        """Take the same stem with a typed ``diameter_mm`` or ``length_mm``.

        Raises
        ------
        UsageError
            The catalogue has no such size.
        """
        row = self._row(name)
        found = next((i for i in row if abs(getattr(i, name) - value_mm) < SAME_SIZE_MM), None)
        if found is None:
            sizes = ", ".join(f"{getattr(i, name):g}" for i in row)
            what = name.removesuffix("_mm")
            raise UsageError(f"the catalogue has no {what} of {value_mm:g} mm for this stem; it has {sizes} mm")
        self.choose(found.part_number)

    def set_move(self, name: str, value: float) -> None:
        """Set one part of the move; ``name`` as in ``Move``."""
        move = self.state.move.changed(name, value)
        if move != self.state.move:
            s = self.state
            fit = self._measured(s, s.fit.implant, s.base_axis, move)
            self._become(replace(s, fit=fit, move=move), f"stem {move.words()}")

    def nudge(self, name: str, step: float) -> None:
        """Change one part of the move by a step."""
        self.set_move(name, getattr(self.state.move, name) + step)

    def set_wall_limit(self, limit_mm: float) -> None:
        """Judge by another least wall; the ranking follows with the next search."""
        s = self.state
        if limit_mm == s.wall_limit_mm:
            return
        comfortable = s.plan.settings.fit.comfortable_wall_mm
        if not 0.0 < limit_mm < comfortable:
            raise UsageError(
                f"the least wall must be above 0 and below {comfortable:g} mm, from where a wall counts as comfortable"
            )
        context = _context(s.plan, limit_mm)
        changed = replace(s, context=context, ranking_current=limit_mm == s.plan.settings.wall_limit_mm)
        fit = self._measured(changed, s.fit.implant, s.base_axis, s.move)
        self._become(replace(changed, fit=fit), f"wall limit {limit_mm:g} mm")

    def search(self) -> None:
        """Search all implants again, with the present limit, in the present canal."""
        s = self.state
        settings = replace(s.plan.settings, wall_limit_mm=s.wall_limit_mm)
        plan = plan_canal(s.plan.canal, self.catalogue, settings, s.plan.reamers)
        plan = replace(plan, scan=s.plan.scan, residual_bone=s.plan.residual_bone)
        plan = _with_earlier(plan, s.plan, OF_SCAN + OF_BONE)
        self._become(self._opened(plan), "searched again")

    def move_cut(self, resect_at_mm: float) -> None:
        """Cut the bone elsewhere: everything is measured and searched again, from the scan."""
        if self.replan is None:
            raise UsageError("the cut cannot be moved: the scan is not at hand; open the planner with --scan")
        settings = replace(self.state.plan.settings, resect_at_mm=resect_at_mm, wall_limit_mm=self.state.wall_limit_mm)
        plan = _with_earlier(self.replan(settings), self.state.plan, OF_SCAN)
        self.compared = None  # of another canal: their levels do not answer each other
        self._become(self._opened(plan), f"cut at {resect_at_mm:g} mm")

    def reset(self) -> None:
        """Go back to the proposal with which the planner was opened; can be undone."""
        if self.state is not self.proposal:
            self._become(replace(self.proposal, changes=()), "")

    def review(self, name: str, date: str) -> None:
        """Mark exactly this state as reviewed by a person."""
        self._unlocked()
        self._push(replace(self.complete(), review=Review(name.strip(), date)))

    # -- history, lock, comparison ---------------------------------------------------------------

    def undo(self) -> None:
        """Go one change back."""
        if self._past:
            self._unlocked()
            self._future.append(self.state)
            self.state = self._past.pop()

    def redo(self) -> None:
        """Take back an undo."""
        if self._future:
            self._unlocked()
            self._past.append(self.state)
            self.state = self._future.pop()

    @property
    def can_undo(self) -> bool:
        """There is a change to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """There is an undo to take back."""
        return bool(self._future)

    def compare(self) -> None:
        """Keep the present state beside what comes; a second call ends the comparison, and so does another cut."""
        self.compared = None if self.compared is not None else self.complete()

    # -- results ---------------------------------------------------------------------------------

    def complete(self) -> State:
        """Return the present state with what each reamer cuts; measured once, then kept."""
        if self.state.fit.reamed is None:
            self.state = replace(self.state, fit=with_reaming(self.state.context, self.state.fit))
        return self.state

    def neighbours(self) -> tuple[Fit, ...]:
        """Return the same stem one size down and up, where the present one is."""
        s = self.state
        row = self._row("diameter_mm")
        at = [i.part_number for i in row].index(s.fit.implant.part_number)
        beside = [row[k] for k in (at - 1, at + 1) if 0 <= k < len(row)]
        return tuple(self._measured(s, i, s.base_axis, s.move) for i in beside)

    def edited_plan(self) -> ImplantationPlan:
        """Return the plan as it stands now, ready to be recorded."""
        s = self.complete()
        others = tuple(f for f in s.plan.fits if f.implant.part_number != s.fit.implant.part_number)
        neighbours = tuple(with_reaming(s.context, f) for f in self.neighbours())
        kept = {f.implant.part_number: f for f in neighbours}
        fits = (s.fit, *(kept.get(f.implant.part_number, f) for f in others))
        settings = replace(s.plan.settings, wall_limit_mm=s.wall_limit_mm)
        plan = replace(s.plan, settings=settings, chosen=s.fit, neighbours=neighbours, fits=fits, review=s.review,
                       findings=findings_of(s), ancestry=Ancestry(self.parent_plan_sha256, s.changes))  # fmt: skip
        return with_outlook(plan, s.context)

    # -- within ----------------------------------------------------------------------------------

    def _opened(self, plan: ImplantationPlan) -> State:
        fit = plan.drawn
        if fit is None:
            raise UsageError("the plan holds no implant to show: the catalogue has none for this bone")
        return State(plan, _context(plan, plan.settings.wall_limit_mm), fit, fit.placement.axis, review=plan.review)

    def _implant(self, part_number: str) -> ImplantTemplate:
        known = {i.part_number: i for i in self.implants()}
        if part_number not in known:
            raise UsageError(f"{part_number} is not in the catalogue for this bone")
        return known[part_number]

    def implants(self) -> tuple[ImplantTemplate, ...]:
        """Return what the catalogue has for this bone, and the implant that is on screen."""
        bone = self.state.plan.canal.bone
        found = {i.part_number: i for i in self.catalogue.implants if bone is None or bone.value in i.bones}
        here = self.state.fit.implant
        return tuple(({here.part_number: here} | found).values())

    def _row(self, name: str) -> list[ImplantTemplate]:
        """Return the stems that differ from the present one only in ``diameter_mm`` or ``length_mm``, in order."""
        here = self.state.fit.implant
        same = {"family_id", "diameter_mm", "length_mm", "bow_radius_mm"} - {name}
        row = [i for i in self.implants() if all(getattr(i, f) == getattr(here, f) for f in same)]
        return sorted(row, key=lambda i: getattr(i, name))

    def _step(self, name: str, steps: int) -> None:
        row = self._row(name)
        at = [i.part_number for i in row].index(self.state.fit.implant.part_number)
        to = min(len(row) - 1, max(0, at + steps))
        if to != at:
            self._take(row[to], f"implant {row[to].part_number}")

    def _take(self, implant: ImplantTemplate, words: str) -> None:
        s = self.state
        base = s.base_axis if self._keeps_place(implant) else self._proposed_axis(s, implant)
        move = s.move if base is s.base_axis else NOT_MOVED
        self._become(replace(s, fit=self._measured(s, implant, base, move), base_axis=base, move=move), words)

    def _keeps_place(self, implant: ImplantTemplate) -> bool:
        """A stem that was moved by hand stays there when only its size changes."""
        here = self.state.fit.implant
        return not self.state.move.none and implant.bow_radius_mm == here.bow_radius_mm

    def _proposed_axis(self, s: State, implant: ImplantTemplate) -> ToolAxis:
        known = next((f for f in s.plan.fits if f.implant.part_number == implant.part_number), None)
        return known.placement.axis if known else place_axis(s.context, implant)

    def _measured(self, s: State, implant: ImplantTemplate, base: ToolAxis, move: Move) -> Fit:
        """Measure, or take what the search has measured in the same place with the same limit."""
        if move.none and s.ranking_current:
            for fit in s.plan.fits:
                if fit.implant.part_number == implant.part_number and fit.placement.axis is base:
                    return fit
        axis = moved(base, move, s.plan.canal) if not move.none else base
        return measure_fits(s.context, axis, [implant])[0]

    def _become(self, state: State, words: str) -> None:
        self._unlocked()
        changes = (*self.state.changes, words) if words else state.changes
        self._push(replace(state, review=None, changes=changes))

    def _push(self, state: State) -> None:
        self._past = [*self._past, self.state][-UNDO_DEPTH:]
        if len(self._past) > KEPT_REAMED:  # measured again, if somebody goes back so far
            self._past[-KEPT_REAMED - 1] = _without_reaming(self._past[-KEPT_REAMED - 1])
        self._future = []
        self.state = state

    def _unlocked(self) -> None:
        if self.locked:
            raise UsageError("the plan is locked; unlock it to change it")


def preview_of(state: State) -> Fit | None:
    """Return the fit with the hole after the last tool, and no more: what pictures need at once.

    Where all tools run on one axis to one depth, the hole after the last is that tool's alone; None where
    they do not. Contact is left out: it depends on the tools before.
    """
    plan = state.fit.reaming_plan
    passes = plan.passes
    last = passes[-1] if passes else None
    if last is None or any(p.axis is not last.axis or p.depth_mm != last.depth_mm for p in passes):
        return None
    if any(p.reamer.diameter_mm > last.reamer.diameter_mm or p.reamer.kind is not last.reamer.kind for p in passes):
        return None
    reamed = hole_of(state.context.canal, replace(plan, passes=(last,)))
    alone = reamed.passes[0]
    untold = replace(alone, contact=np.zeros_like(alone.contact))
    return replace(state.fit, reamed=replace(reamed, passes=(untold,)))


def _with_earlier(plan: ImplantationPlan, before: ImplantationPlan, rooms: tuple[str, ...]) -> ImplantationPlan:
    """Put what earlier rooms had found, and is not looked for again, in front of a plan's findings."""
    found = tuple(f for f in before.findings if f.code.startswith(rooms))
    return replace(plan, findings=(*found, *plan.findings)) if found else plan


def _without_reaming(state: State) -> State:
    return replace(state, fit=replace(state.fit, reamed=None))


def _context(plan: ImplantationPlan, limit_mm: float) -> FitContext:
    settings = replace(plan.settings.fit, wall_limit_mm=limit_mm)
    return fit_context(plan.canal, reamers=plan.reamers, settings=settings,
                       isthmus_depth_mm=plan.shape.isthmus_depth_mm,
                       cut_is_planned=plan.settings.resect_at_mm is not None)  # fmt: skip


def findings_of(s: State) -> tuple[Finding, ...]:
    """The scan's and the canal's findings, and those of the present fit in place of the proposal's.

    What was drawn for the proposal alone (what may go astray, a toss-up) is left out once anything is changed.
    """
    if s.as_found:
        return s.plan.findings
    old = set() if s.plan.chosen is None else set(s.plan.chosen.findings)
    if s.plan.chosen is not None and s.plan.chosen.reamed is not None:
        old |= set(s.plan.chosen.reamed.findings)
    kept = tuple(f for f in s.plan.findings if f not in old and f.code not in OF_PROPOSAL)
    reamed = s.fit.reamed.findings if s.fit.reamed is not None else ()
    return (*kept, *s.fit.findings, *reamed)
