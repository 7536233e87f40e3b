"""Ray kernels. Private: ``sizing.canal.rays`` and ``sizing.canal.fitting`` validate and document.

A ray is a row of samples at equal steps from the canal's axis outward. Positions are fractional
voxel indices (slice, row, column).
"""

from libc.math cimport NAN, ceil, floor, isnan


# Half, and a little: a position half-way between voxels must not be decided by its last digit.
cdef double ROUNDING = 1e-6
cdef double NEAREST = 0.5 + ROUNDING


# sample_rays: trilinear samples of int16 HU.
#
#   start ──┼──┼──┼──►   sample j of ray i lies at start[i] + j * step[i]
#
# A sample outside the volume is NaN, and so is one whose cell touches a NaN-like padding: there is
# nothing to interpolate there.
def sample_rays(const short[:, :, ::1] hu, const double[:, ::1] start, const double[:, ::1] step, float[:, ::1] out):
    cdef Py_ssize_t i, j
    cdef Py_ssize_t q = out.shape[0], k = out.shape[1]
    with nogil:
        for i in range(q):
            for j in range(k):
                out[i, j] = <float> _trilinear(
                    hu, start[i, 0] + j * step[i, 0], start[i, 1] + j * step[i, 1], start[i, 2] + j * step[i, 2]
                )


cdef inline double _trilinear(const short[:, :, ::1] hu, double z, double y, double x) noexcept nogil:
    cdef Py_ssize_t k = <Py_ssize_t> floor(z), j = <Py_ssize_t> floor(y), i = <Py_ssize_t> floor(x)
    cdef double c, b, a, low, high
    # The last voxel itself is inside: step back so that a cell exists, with weight 1 on its far side.
    if k == hu.shape[0] - 1 and k > 0:
        k -= 1
    if j == hu.shape[1] - 1 and j > 0:
        j -= 1
    if i == hu.shape[2] - 1 and i > 0:
        i -= 1
    c = z - k
    b = y - j
    a = x - i
    if k < 0 or j < 0 or i < 0 or k + 1 >= hu.shape[0] or j + 1 >= hu.shape[1] or i + 1 >= hu.shape[2]:
        return NAN
    if c > 1.0 or b > 1.0 or a > 1.0:
        return NAN
    low = (1 - b) * ((1 - a) * hu[k, j, i] + a * hu[k, j, i + 1]) \
        + b * ((1 - a) * hu[k, j + 1, i] + a * hu[k, j + 1, i + 1])
    high = (1 - b) * ((1 - a) * hu[k + 1, j, i] + a * hu[k + 1, j, i + 1]) \
        + b * ((1 - a) * hu[k + 1, j + 1, i] + a * hu[k + 1, j + 1, i + 1])
    return (1 - c) * low + c * high


# window_means: mean of the samples low..high of every ray, NaN samples left out; NaN where none is left.
def window_means(const float[:, ::1] profile, const double[::1] low, const double[::1] high, double[::1] out):
    cdef Py_ssize_t i, j, first, last, k = profile.shape[1]
    cdef double total
    cdef int n
    with nogil:
        for i in range(profile.shape[0]):
            out[i] = NAN
            if isnan(low[i]) or isnan(high[i]):
                continue
            first = <Py_ssize_t> ceil(low[i] - ROUNDING) if low[i] > 0 else 0
            last = <Py_ssize_t> floor(high[i] + ROUNDING) if high[i] < k - 1 else k - 1
            total = 0
            n = 0
            for j in range(first, last + 1):
                if not isnan(profile[i, j]):
                    total += profile[i, j]
                    n += 1
            if n:
                out[i] = total / n


# mask_exit: how far each ray runs inside a mask (nearest voxel).
#
#   ██████████░██░░░░░░   leaves for good at the first gap longer than `gap` samples
#             ^ exit
#
# out = index of the last sample inside; -1 if the ray does not start inside.
def mask_exit(const unsigned char[:, :, ::1] mask, const double[:, ::1] start, const double[:, ::1] step,
              Py_ssize_t k, Py_ssize_t gap, Py_ssize_t[::1] out):
    cdef Py_ssize_t i, j, last, z, y, x
    with nogil:
        for i in range(start.shape[0]):
            last = -1
            for j in range(k):
                z = <Py_ssize_t> floor(start[i, 0] + j * step[i, 0] + NEAREST)
                y = <Py_ssize_t> floor(start[i, 1] + j * step[i, 1] + NEAREST)
                x = <Py_ssize_t> floor(start[i, 2] + j * step[i, 2] + NEAREST)
                if z < 0 or y < 0 or x < 0 or z >= mask.shape[0] or y >= mask.shape[1] or x >= mask.shape[2]:
                    break
                if mask[z, y, x]:
                    last = j
                elif j - last > gap:
                    break
            out[i] = last


# half_maximum: both surfaces of the wall where the profile crosses half way between two levels.
#
#   HU        ┌──────┐ cortex
#             │      │          from the crest near the outline outward to the outer crossing,
#   content ──┘      └── outside  then inward to the first crossing that lasts
#            x0      x1
#
# levels (q, 4), per ray: the locator's outline in samples, and HU of cortex, content (inside) and soft tissue. A wall
# that does not reach the cortex level is measured against its own peak. rules (4,): how far inside and outside the
# outline its crest may lie, how long content must last (samples), least height of a crest as a share of cortex.
# out (q, 3): inner and outer crossing in samples, NaN where there is none, and the highest sample of the wall.
def half_maximum(const float[:, ::1] profile, const double[:, ::1] levels, const double[::1] rules,
                 double[:, ::1] out):
    cdef Py_ssize_t i
    with nogil:
        for i in range(profile.shape[0]):
            _half_maximum(profile[i], &levels[i, 0], &rules[0], &out[i, 0], &out[i, 1], &out[i, 2])


cdef void _half_maximum(const float[::1] p, const double* levels, const double* rules,
                        double* inner, double* outer, double* peak) noexcept nogil:
    cdef double limit = levels[0], cortex = levels[1], content = levels[2], outside = levels[3], hold = rules[2]
    cdef Py_ssize_t k = p.shape[0], j, top = -1, last, first
    cdef double best = -1e9, level, run
    inner[0] = outer[0] = peak[0] = NAN
    if isnan(limit) or isnan(content) or isnan(outside):
        return
    last = <Py_ssize_t> floor(limit + rules[1])
    if last > k - 2:
        last = k - 2
    first = <Py_ssize_t> floor(limit - rules[0])
    if first < 0:
        first = 0
    # the wall's crest near the locator's edge
    for j in range(first, last + 1):
        if p[j] > best:
            best = p[j]
            top = j
    if top < 0 or best < outside + rules[3] * (cortex - outside):
        return
    level = 0.5 * (min(best, cortex) + outside)
    j = top
    while j <= last and p[j + 1] >= level:
        j += 1
    if j > last or isnan(p[j + 1]):
        return
    outer[0] = j + (p[j] - level) / (p[j] - p[j + 1])
    # go inward along the wall; its crest may lie deeper than the window
    level = 0.5 * (min(best, cortex) + content)
    run = 0
    j = top
    while j >= 0:
        if isnan(p[j]):
            return
        if p[j] >= level:
            run = 0
            if p[j] > best:
                best = p[j]
                level = 0.5 * (min(best, cortex) + content)
        else:
            if run == 0 and p[j + 1] > p[j]:
                inner[0] = j + (level - p[j]) / (p[j + 1] - p[j])
            run += 1
            if run >= hold:
                break
        j -= 1
    if run < hold:
        inner[0] = NAN
    peak[0] = best
