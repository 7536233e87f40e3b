"""Which of the shafts in a scan is the bone that was asked for."""

from __future__ import annotations

import numpy as np

from sizing.anatomy import Bone, Side
from sizing.errors import SegmentationError
from sizing.findings import Finding, Level
from sizing.segmentation.settings import SegmentationSettings
from sizing.segmentation.shafts import Shaft

# A thinner bone that runs along a thicker one is its companion: the fibula of a tibia. Areas differ five-fold there;
# radius and ulna are alike and make no companions.
_COMPANION_AREA = 0.5
_COMPANION_DISTANCE_MM = 80.0
_COMPANION_OVERLAP = 0.5
# Thin shafts are never asked for: fibula 100-140 mm², rib 50, clavicle 100; the slightest humerus has 200.
_LEAST_AREA_MM2 = 170.0
# A femur's shaft is thicker than any other; two of them side by side can be nothing else.
_CERTAIN_FEMUR_MM2 = 450.0
# Our judgement: ten femora that we know have 580 to 880 mm², the one humerus 296. Beyond these the name given is worth
# a second look; nothing is refused for it, because people differ.
_SLENDER_FEMUR_MM2 = 380.0
_STOUT_HUMERUS_MM2 = 480.0


def _span_z(shaft: Shaft) -> tuple[float, float]:
    z = shaft.centres_lps[:, 2]
    return float(z.min()), float(z.max())


def _overlap_share(a: Shaft, b: Shaft) -> float:
    """Return the common span in z as a share of the shorter one's."""
    (a0, a1), (b0, b1) = _span_z(a), _span_z(b)
    return max(0.0, min(a1, b1) - max(a0, b0)) / max(min(a1 - a0, b1 - b0), 1e-9)


def companion_of(shaft: Shaft, shafts: list[Shaft]) -> Shaft | None:
    """Return the thin bone that runs beside a shaft (the fibula of a tibia), or None."""
    for other in shafts:
        thin = other.width_mm2 < _COMPANION_AREA * shaft.width_mm2
        if thin and _overlap_share(shaft, other) > _COMPANION_OVERLAP:
            nearest = np.linalg.norm(shaft.centres_lps[:, None] - other.centres_lps[None], axis=-1).min()
            if nearest < _COMPANION_DISTANCE_MM:
                return other
    return None


def doubtful_name(shaft: Shaft, shafts: list[Shaft], bone: Bone) -> list[Finding]:
    """Return findings if a shaft does not look like the bone that it was called.

    A femur and a tibia without its fibula look alike, so the name given is used; but it is said.
    """
    area = f"its shaft is {shaft.width_mm2:.0f} mm² across"
    if bone is Bone.TIBIA and companion_of(shaft, shafts) is None:
        doubt = "no fibula runs beside the bone that was called a tibia: it may be a femur"
        return [
            _name_finding(Level.CRITICAL, doubt, ", unless the fibula was removed or lies outside the field of view")
        ]
    if bone is Bone.FEMUR and shaft.width_mm2 < _SLENDER_FEMUR_MM2:
        doubt = f"the bone is slender for a femur: {area}, {_SLENDER_FEMUR_MM2:.0f} and more are usual"
        return [_name_finding(Level.WARNING, doubt, ": it may be a humerus")]
    if bone is Bone.HUMERUS and shaft.width_mm2 > _STOUT_HUMERUS_MM2:
        doubt = f"the bone is stout for a humerus: {area}, up to {_STOUT_HUMERUS_MM2:.0f} are usual"
        return [_name_finding(Level.WARNING, doubt, ": it may be a femur or a tibia")]
    return []


def _name_finding(level: Level, doubt: str, reason: str) -> Finding:
    return Finding(level, "CF-S109", doubt, f"Check --bone against the images{reason}.")


def _offset_mm(shaft: Shaft, others: list[Shaft], settings: SegmentationSettings) -> float:
    """Return how far to the patient's left of the midline a shaft lies; halfway to the opposite limb if there is one.

    With an opposite limb there is no doubt: the offset is then at least ``settings.certain_side_mm``.
    """
    x = float(shaft.middle_lps[0])
    partners = [o for o in others if o is not shaft and _overlap_share(shaft, o) > _COMPANION_OVERLAP]
    apart = max((float(o.middle_lps[0]) - x for o in partners), key=abs, default=0.0)
    if abs(apart) > 2 * settings.midline_mm:
        return -float(np.copysign(max(abs(apart) / 2, settings.certain_side_mm), apart))
    return x


def guess_bone(shafts: list[Shaft]) -> Bone:
    """Name the bone if the scan leaves no doubt.

    Raises
    ------
    SegmentationError
        CF-S010 if it does.
    """
    thick = [s for s in shafts if s.width_mm2 >= _LEAST_AREA_MM2]
    if thick and all(companion_of(s, shafts) for s in thick):
        return Bone.TIBIA
    if len(thick) == 2 and all(s.width_mm2 > _CERTAIN_FEMUR_MM2 and not companion_of(s, shafts) for s in thick):
        a, b = thick
        if _overlap_share(a, b) > _COMPANION_OVERLAP and max(a.width_mm2, b.width_mm2) < 1.5 * min(
            a.width_mm2, b.width_mm2
        ):
            return Bone.FEMUR
    raise SegmentationError(
        "CF-S010",
        "the scan does not say for certain which bone is meant",
        measured=f"{len(thick)} long-bone shaft{'s' if len(thick) != 1 else ''}",
        advice="Name it: --bone femur, tibia or humerus.",
    )


def choose_shaft(
    shafts: list[Shaft], bone: Bone, side: Side | None, header: str | None, settings: SegmentationSettings
) -> tuple[Shaft, Side, str]:
    """Return the shaft that is meant, its side, and how the side is known.

    Parameters
    ----------
    shafts : list of Shaft
        All in the scan; not empty.
    bone : Bone
        What is asked for.
    side : Side or None
        What is asked for.
    header : str or None
        Laterality as the header says: "L", "R".
    settings : SegmentationSettings
        Holds the width of the midline.

    Raises
    ------
    SegmentationError
        CF-S003 … CF-S007.
    """
    # A cut bone shows only a part of its area.
    thick = [s for s in shafts if s.width_mm2 >= _LEAST_AREA_MM2 or s.cut.mean() > 0.5]
    candidates = _of_kind(thick, shafts, bone)
    left_mm = {id(s): _offset_mm(s, candidates, settings) for s in candidates}
    stated = side or {"L": Side.LEFT, "R": Side.RIGHT}.get((header or "").strip().upper()[:1])
    if stated is None:
        wanted = candidates
        if min(left_mm.values()) < -settings.midline_mm and max(left_mm.values()) > settings.midline_mm:
            raise SegmentationError(
                "CF-S005", f"a {bone} is there on both sides", advice="Say which one is meant: --side left or right."
            )
    else:
        wanted = [s for s in candidates if left_mm[id(s)] * stated.lateral_x > -settings.certain_side_mm]
        if not wanted:
            raise _contradiction(bone, stated, "given" if side is not None else "header's", candidates[0])
    shaft = _by_level(wanted, shafts, bone)
    _refuse_cut(shaft, bone, settings)
    if side is not None:
        return shaft, side, "given"
    if abs(left_mm[id(shaft)]) > settings.midline_mm:
        return shaft, Side.LEFT if left_mm[id(shaft)] > 0 else Side.RIGHT, "position"
    if stated is not None:
        return shaft, stated, "header"
    raise SegmentationError(
        "CF-S007",
        "the side cannot be told from the position of the bone",
        measured=f"{shaft.middle_lps[0]:+.0f} mm from the middle of the scanner",
        advice="Give --side left or right.",
    )


def _contradiction(bone: Bone, stated: Side, whose: str, shaft: Shaft) -> SegmentationError:
    return SegmentationError(
        "CF-S006",
        f"the {whose} side is {stated}, but the {bone} in the scan lies on the other side",
        measured=f"its middle at x = {shaft.middle_lps[0]:+.0f} mm (+ is the patient's left)",
        expected=f"a bone on the {stated}",
        advice="Check the side, and whether the scan was mirrored or taken of another patient.",
    )


def _of_kind(thick: list[Shaft], shafts: list[Shaft], bone: Bone) -> list[Shaft]:
    """Drop shafts that cannot be the bone asked for; refuse if none is left."""
    if not thick:
        raise SegmentationError(
            "CF-S002",
            f"no {bone} is in this scan: the only long bones are too thin",
            measured=f"{max(s.width_mm2 for s in shafts):.0f} mm² across",
            expected=f"at least {_LEAST_AREA_MM2:.0f} mm²",
            advice="Choose a series that covers the shaft of the bone.",
        )
    with_companion = [s for s in thick if companion_of(s, shafts) is not None]
    if bone is Bone.TIBIA and with_companion:
        return with_companion
    alone = [s for s in thick if s not in with_companion]
    if bone is Bone.FEMUR and not alone:
        raise SegmentationError(
            "CF-S004",
            "a femur was asked for, but a thin bone runs beside the only long bone: it looks like tibia and fibula",
            advice="Use --bone tibia, or choose the series that holds the thigh.",
        )
    return alone if bone is Bone.FEMUR else thick


def _by_level(wanted: list[Shaft], shafts: list[Shaft], bone: Bone) -> Shaft:
    """Of shafts above each other the upper one is femur or humerus, the lower one tibia; of others the longest."""
    longest = max(wanted, key=lambda s: s.length_mm)
    stacked = [s for s in wanted if s is longest or _overlap_share(s, longest) < 1 - _COMPANION_OVERLAP]
    if bone is Bone.TIBIA:
        return min(stacked, key=lambda s: float(s.middle_lps[2]))
    if bone is Bone.FEMUR:
        return max(stacked, key=lambda s: float(s.middle_lps[2]))
    return longest


def _refuse_cut(shaft: Shaft, bone: Bone, settings: SegmentationSettings) -> None:
    if shaft.whole_length_mm < settings.min_shaft_mm:
        raise SegmentationError(
            "CF-S003",
            f"the side of the field of view cuts through the {bone}",
            measured=f"{shaft.whole_length_mm:.0f} mm of its {shaft.length_mm:.0f} mm wholly inside",
            expected=f"at least {settings.min_shaft_mm:g} mm",
            advice="Reconstruct the scan with a field of view that holds the whole bone.",
        )
