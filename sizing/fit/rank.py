"""Order of the fits, the words why each lost, and the sizes to have on the tray."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sizing.fit.model import Fit
from sizing.spelling import wall_text


def _wall_left(fit: Fit) -> str:
    wall = fit.reamed_wall_min_mm
    return "no cut" if wall != wall else f"{wall_text(wall)} mm"


_WORDS = {
    "contact": ("less contact", lambda f: f"{f.contact_share:.0%}"),
    "wall": ("less wall left by the tools", _wall_left),
    "fill": ("fills less of the canal", lambda f: f"{f.canal_fill_volume:.0%}"),
    "bone_kept": ("takes more cortex", lambda f: f"{f.removed_share:.0%}"),
    "tip": ("tip nearer to the isthmus or to a thin wall", lambda f: f"tip at {f.tip_depth_mm:.0f} mm"),
    "length": ("shorter", lambda f: f"{f.implant.length_mm:.0f} mm"),
}


def rank_fits(fits: Sequence[Fit]) -> tuple[Fit, ...]:
    """Order fits, best first, and say why each lost.

    Implants that can serve come first, by score; then the excluded ones, by how far they are from
    serving. Equals go to the simpler (unbowed), then shorter, then thicker implant; the part number
    decides last, so that the order never depends on the catalogue's.
    """
    ordered = sorted(fits, key=_sort_key)
    if not ordered or not ordered[0].serves:
        return tuple(replace(f, lost_because=f.rejected[0] if f.rejected else "") for f in ordered)
    best = ordered[0]
    return (best, *(replace(f, lost_because=_why(f, best)) for f in ordered[1:]))


def neighbours_of(chosen: Fit, fits: Sequence[Fit]) -> tuple[Fit, ...]:
    """Return the same stem one diameter down and one up, where they were tried."""
    same = [f for f in fits if f.model == chosen.model]
    below = [f for f in same if f.implant.diameter_mm < chosen.implant.diameter_mm]
    above = [f for f in same if f.implant.diameter_mm > chosen.implant.diameter_mm]
    found = []
    if below:
        found.append(max(below, key=lambda f: f.implant.diameter_mm))
    if above:
        found.append(min(above, key=lambda f: f.implant.diameter_mm))
    return tuple(found)


def toss_up_of(chosen: Fit, fits: Sequence[Fit], points: float) -> Fit | None:
    """Return the best implant of another family whose score is within ``points`` of the choice, if any."""
    for fit in fits:
        if fit.serves and fit.implant.family_id != chosen.implant.family_id:
            return fit if chosen.score.total - fit.score.total <= points else None
    return None


def _sort_key(fit: Fit) -> tuple:
    i, total = fit.implant, fit.score.total
    score = -round(total, 6) if total == total else 1.0
    simplest = (i.bow_radius_mm is not None, i.length_mm, -i.diameter_mm, i.part_number)
    return (not fit.serves, round(fit.shortfall, 6), score, *simplest)


def _why(fit: Fit, best: Fit) -> str:
    if fit.rejected:
        return fit.rejected[0]
    deficits = [
        (weight * (best_value - value), name)
        for (name, value, weight), (_, best_value, _) in zip(fit.score.parts, best.score.parts, strict=True)
        if best_value - value > 0
    ]
    scores = f"score {_apart(fit.score.total, best.score.total)}"
    for _, name in sorted(deficits, reverse=True):
        words, spell = _WORDS[name]
        if spell(fit) != spell(best):  # a difference that cannot be seen is no reason
            return f"{words} ({spell(fit)} against {spell(best)}); {scores}"
    return f"as good, and {_tie_break(fit, best)}; {scores}"


def _apart(score: float, best: float) -> str:
    """Write two scores with the decimals that tell them apart; equals are equal to a tenth."""
    decimals = 0 if f"{score:.0f}" != f"{best:.0f}" else 1
    return f"{score:.{decimals}f} against {best:.{decimals}f}"


def _tie_break(fit: Fit, best: Fit) -> str:
    if best.implant.bow_radius_mm is None and fit.implant.bow_radius_mm is not None:
        return "bowed where straight serves"
    return "second by less than can be told apart"
