"""Bone as runs: the stretches of a row that are at or above a threshold.

A CT of 157 million voxels holds bone in less than one voxel of a hundred. Each row is scanned once, 32
voxels at a time; only the stretches that are bone are written down (first column, one past the last column).
Everything else (joining, filling, measuring, painting) works on these stretches and never looks at the volume again,
except for the HU of what it encloses.

Layout shared by all kernels: rows are numbered ``slice * n_rows + row``; the runs of row i are
``first[i] .. first[i + 1] - 1``, in order of column.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t

cdef inline bint _any_bone(const int16_t* row, int16_t threshold) noexcept nogil:
    # Fixed length and no early exit, so that the compiler makes a handful of vector compares of it.
    cdef int i
    cdef int16_t found = 0
    for i in range(32):
        found |= row[i] >= threshold
    return found != 0


def find_runs(
    const int16_t[:, :, ::1] hu, int16_t threshold_hu, int32_t[::1] first, int32_t[::1] start, int32_t[::1] stop
):
    """Write the runs at or above the threshold; return how many there are.

    If that is more than ``start`` can hold, the first ones are written and the caller tries again with more room.
    """
    cdef Py_ssize_t n_slices = hu.shape[0], n_rows = hu.shape[1], n_columns = hu.shape[2]
    cdef Py_ssize_t s, r, c, n = 0, room = start.shape[0], begin
    cdef const int16_t* row
    with nogil:
        for s in range(n_slices):
            for r in range(n_rows):
                first[s * n_rows + r] = <int32_t> n
                row = &hu[s, r, 0]
                c = 0
                while c < n_columns:
                    if row[c] < threshold_hu:
                        if c + 32 <= n_columns and not _any_bone(row + c, threshold_hu):
                            c += 32
                        else:
                            c += 1
                        continue
                    begin = c
                    while c < n_columns and row[c] >= threshold_hu:
                        c += 1
                    if n < room:
                        start[n] = <int32_t> begin
                        stop[n] = <int32_t> c
                    n += 1
        first[n_slices * n_rows] = <int32_t> n
    return n


def histogram(const int16_t[:, :, ::1] hu, Py_ssize_t row_step, int64_t[::1] counts):
    """Count HU of every ``row_step``-th row, counted through all slices, into 65536 bins from -32768."""
    cdef Py_ssize_t n_rows = hu.shape[1], n_columns = hu.shape[2], n_all = hu.shape[0] * hu.shape[1]
    cdef Py_ssize_t i = 0, c
    cdef const int16_t* row
    with nogil:
        while i < n_all:
            row = &hu[i // n_rows, i % n_rows, 0]
            for c in range(n_columns):
                counts[<Py_ssize_t> row[c] + 32768] += 1
            i += row_step


# Union-find with path halving; the smaller number becomes the root, so a root is the first run of its set.
cdef inline int32_t _root(int32_t* parent, int32_t i) noexcept nogil:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


cdef inline void _join(int32_t* parent, int32_t a, int32_t b) noexcept nogil:
    a = _root(parent, a)
    b = _root(parent, b)
    if a < b:
        parent[b] = a
    elif b < a:
        parent[a] = b


def label_sections(
    const int32_t[::1] first, const int32_t[::1] start, const int32_t[::1] stop, Py_ssize_t n_rows,
    int32_t[::1] parent,
):
    """Join the runs of each slice that touch by edge or corner; ``parent[i]`` becomes the first run of i's section.

    Two fingers walk along neighbouring rows; the one whose run ends first moves on.
    """
    cdef Py_ssize_t n = start.shape[0], n_all = first.shape[0] - 1, i
    cdef int32_t a, b, a_end, b_end
    cdef int32_t* p
    if n == 0:
        return
    p = &parent[0]
    with nogil:
        for i in range(n):
            p[i] = <int32_t> i
        for i in range(1, n_all):
            if i % n_rows == 0:
                continue
            a, a_end = first[i - 1], first[i]
            b, b_end = first[i], first[i + 1]
            while a < a_end and b < b_end:
                if start[a] <= stop[b] and start[b] <= stop[a]:
                    _join(p, a, b)
                if stop[a] < stop[b]:
                    a += 1
                else:
                    b += 1
        for i in range(n):
            p[i] = _root(p, <int32_t> i)


cdef inline bint _covered(
    const int32_t[::1] start, const int32_t[::1] stop, int32_t begin, int32_t end, int32_t low, int32_t high
) noexcept nogil:
    """Return whether columns low .. high - 1 lie between the first and the last run of a row."""
    return begin < end and start[begin] <= low and high <= stop[end - 1]


def close_gaps(
    const int32_t[::1] first, const int32_t[::1] start, const int32_t[::1] stop, Py_ssize_t n_rows,
    int32_t[::1] parent, uint8_t[::1] open_,
):
    """Tell which gaps between two runs of a row are enclosed by bone in their slice.

    Gap g lies between runs g and g + 1 of the same row. Gaps of neighbouring rows that share a column are one
    region (edges only: bone joins by corners, so what is not bone must not). A region is open if any of its gaps
    looks out: past the end of the neighbouring row's runs, or over the edge of the image. What is not open is a hole.
    On return ``open_[g]`` is 0 for gaps that belong to a hole; a run that is the last of its row has ``open_`` 1.
    """
    cdef Py_ssize_t n = start.shape[0], n_all = first.shape[0] - 1, i, k
    cdef int32_t g, h, last, side
    cdef int32_t* p
    if n == 0:
        return
    p = &parent[0]
    with nogil:
        for i in range(n):
            p[i] = <int32_t> i
            open_[i] = 0
        for i in range(n_all):
            last = first[i + 1] - 1
            if last >= first[i]:
                open_[last] = 1
            for side in range(2):  # the row above, the row below
                if (side == 0 and i % n_rows == 0) or (side == 1 and i % n_rows == n_rows - 1):
                    for g in range(first[i], last):
                        open_[g] = 1
                    continue
                k = i - 1 + 2 * side
                h = first[k]
                for g in range(first[i], last):
                    if not _covered(start, stop, first[k], first[k + 1], stop[g], start[g + 1]):
                        open_[g] = 1
                    if side == 1:
                        continue  # each pair of rows is joined once
                    while h + 1 < first[k + 1] and start[h + 1] <= stop[g]:
                        h += 1
                    while h + 1 < first[k + 1] and stop[h] < start[g + 1]:
                        _join(p, g, h)
                        if start[h + 1] >= start[g + 1]:
                            break
                        h += 1
        for i in range(n):
            if open_[i]:
                open_[_root(p, <int32_t> i)] = 1
        for i in range(n):
            if open_[_root(p, <int32_t> i)]:
                open_[i] = 1


def merge_runs(
    const int32_t[::1] first, const int32_t[::1] start, const int32_t[::1] stop, const uint8_t[::1] open_,
    const int16_t[:, :, ::1] hu, int32_t[::1] solid_first, int32_t[::1] solid_start, int32_t[::1] solid_stop,
    int32_t[::1] bone_count, int64_t[::1] bone_hu, int64_t[::1] hole_hu,
):
    """Write solid runs: neighbours with a hole between them become one; return how many there are.

    For each solid run also the number of its voxels that are bone, their sum of HU, and the sum of HU of the rest.
    """
    cdef Py_ssize_t n_rows = hu.shape[1], n_all = first.shape[0] - 1, i, c
    cdef int32_t n = -1, run
    cdef const int16_t* row
    with nogil:
        for i in range(n_all):
            solid_first[i] = n + 1
            if first[i] == first[i + 1]:
                continue
            row = &hu[i // n_rows, i % n_rows, 0]
            for run in range(first[i], first[i + 1]):
                if run > first[i] and not open_[run - 1]:
                    for c in range(stop[run - 1], start[run]):
                        hole_hu[n] += row[c]
                else:
                    n += 1
                    solid_start[n] = start[run]
                    bone_count[n] = 0
                    bone_hu[n] = 0
                    hole_hu[n] = 0
                solid_stop[n] = stop[run]
                bone_count[n] += stop[run] - start[run]
                for c in range(start[run], stop[run]):
                    bone_hu[n] += row[c]
        solid_first[n_all] = n + 1
    return n + 1


def link_sections(
    const int32_t[::1] first, const int32_t[::1] start, const int32_t[::1] stop, const int32_t[::1] section,
    Py_ssize_t n_rows, int32_t[::1] lower, int32_t[::1] upper, int32_t[::1] shared,
):
    """Write (section in one slice, section in the next, shared columns) for every pair of runs that overlap.

    Returns how many pairs there are; as in `find_runs` the caller tries again if there is not room for all.
    """
    cdef Py_ssize_t n_all = first.shape[0] - 1, n = 0, room = lower.shape[0], i
    cdef int32_t a, b, a_end, b_end, low, high
    with nogil:
        for i in range(n_all - n_rows):
            a, a_end = first[i], first[i + 1]
            b, b_end = first[i + n_rows], first[i + n_rows + 1]
            while a < a_end and b < b_end:
                low = max(start[a], start[b])
                high = min(stop[a], stop[b])
                if low < high:
                    if n < room:
                        lower[n] = section[a]
                        upper[n] = section[b]
                        shared[n] = high - low
                    n += 1
                if stop[a] < stop[b]:
                    a += 1
                else:
                    b += 1
    return n


def paint_runs(
    const int32_t[::1] first, const int32_t[::1] start, const int32_t[::1] stop, const uint8_t[::1] wanted,
    Py_ssize_t n_rows, Py_ssize_t slice0, Py_ssize_t row0, Py_ssize_t column0, uint8_t[:, :, ::1] mask,
):
    """Set the voxels of the wanted runs in a crop that begins at (slice0, row0, column0)."""
    cdef Py_ssize_t s, r, i, c, low, high, n_columns = mask.shape[2]
    cdef int32_t run
    with nogil:
        for s in range(mask.shape[0]):
            for r in range(mask.shape[1]):
                i = (s + slice0) * n_rows + r + row0
                for run in range(first[i], first[i + 1]):
                    if wanted[run]:
                        low = max(start[run] - column0, 0)
                        high = min(stop[run] - column0, n_columns)
                        for c in range(low, high):
                            mask[s, r, c] = 1
