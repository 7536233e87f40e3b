"""Slow twins of the canal's kernels."""

import numpy as np
from scipy.special import ndtr

LAYERS = 60


def wall_profile(r, params, sigma, wide_sigma, ring, decay=2.5):
    """Blurred wall along a ray: two steps and an exponential tail, convolved with one or two Gaussians.

    ``params``: x0, x1, content, tail, cortex, outside, and the share of HU missing at the endosteum (summed here over
    thin layers of wall).
    """
    x0, x1, content, tail, cortex, outside, fade = params
    t0, t1 = r - x0, r - x1
    edges = np.linspace(x0, x1, LAYERS + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    missing = fade * cortex * ((x1 - middle) / (x1 - x0)) ** 2

    def blurred(s):
        inside, beyond = ndtr(t0 / s), ndtr(t1 / s)
        fall = np.exp(np.minimum(t0, 8 * s) / decay + 0.5 * (s / decay) ** 2) * ndtr(-(t0 / s + s / decay))
        wall = cortex * (inside - beyond)
        if fade:
            layers = np.diff(ndtr((np.asarray(r)[..., None] - edges) / s), axis=-1)
            wall = wall + layers @ missing  # diff of falling steps: minus the layer
        return content * (1 - inside) + tail * fall + wall + outside * beyond

    return (1 + ring) * blurred(sigma) - ring * blurred(wide_sigma) if ring else blurred(sigma)
