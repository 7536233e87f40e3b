"""Slow twins of the canal's kernels."""

import numpy as np
from scipy.special import ndtr


def wall_profile(r, params, sigma, wide_sigma, ring, decay=2.5):
    """Blurred wall along a ray: two steps and an exponential tail, convolved with one or two Gaussians.

    ``params``: x0, x1, content, tail, cortex, outside.
    """
    x0, x1, content, tail, cortex, outside = params
    t0, t1 = r - x0, r - x1

    def blurred(s):
        inside, beyond = ndtr(t0 / s), ndtr(t1 / s)
        fall = np.exp(np.minimum(t0, 8 * s) / decay + 0.5 * (s / decay) ** 2) * ndtr(-(t0 / s + s / decay))
        return content * (1 - inside) + tail * fall + cortex * (inside - beyond) + outside * beyond

    return (1 + ring) * blurred(sigma) - ring * blurred(wide_sigma) if ring else blurred(sigma)
