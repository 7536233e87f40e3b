"""Digital phantoms: residual limbs whose truth is known, seen by a CT scanner that is known."""

from __future__ import annotations

from sizing.phantom.spec import PhantomSpec
from sizing.phantom.truth import PhantomTruth
from sizing.volume import CtVolume

__all__ = ["PhantomSpec", "PhantomTruth", "make_phantom"]


def make_phantom(spec: PhantomSpec) -> tuple[CtVolume, PhantomTruth]:
    """Draw a phantom; the same spec gives the same volume, bit for bit.

    Raises
    ------
    InputError
        CF-P002 to CF-P006: bone that runs front to back, surfaces that cross, too large, a field of
        view or a limb too small for the bone.
    """
    from sizing.phantom.render import make_axis, render, tabulate
    from sizing.phantom.truth import make_truth

    axis = make_axis(spec)
    return render(spec, tabulate(spec.shape, axis)), make_truth(spec, axis)
