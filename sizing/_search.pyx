"""Axis search kernels: which contour points count for an axis, and the linear programme about it."""

from libc.math cimport atan2, fabs, sqrt

cdef enum:
    MOST = 8  # unknowns of the programme plus one, at most


cdef inline void across(double px, double py, double pz, const double[:, ::1] frame, double bow_radius,
                        double* x, double* y, double* t) noexcept nogil:
    cdef double along = px * frame[0, 0] + py * frame[0, 1] + pz * frame[0, 2]
    cdef double inward = px * frame[1, 0] + py * frame[1, 1] + pz * frame[1, 2]
    cdef double far
    y[0] = px * frame[2, 0] + py * frame[2, 1] + pz * frame[2, 2]
    if bow_radius > 0.0:
        far = bow_radius - inward
        inward = bow_radius - sqrt(far * far + along * along)
        along = bow_radius * atan2(along, far)
    x[0] = inward
    t[0] = along


# Contour points between the entry and the length count, and on every ray the two points exactly at
# those ends, interpolated between levels: in a bowed canal the tightest place is the very end.
#
#   level k    o-----o-----o        o  a point that counts
#   length  ---x-----x-----x---     x  interpolated
#   level k+1  .     .     .        .  beyond
#
def counted_points(const double[:, :, ::1] points, const double[:, ::1] margin, const double[::1] entry,
                   const double[:, ::1] frame, double bow_radius, double length,
                   double[:, ::1] before, double[:, ::1] position, double[::1] travel, double[::1] room):
    """Gather what counts; returns how many. before (n, 3) is scratch; the outputs hold m * n + 2 n points.

    position : across the axis; room : distance from the axis minus the margin.
    """
    cdef Py_ssize_t m = points.shape[0], n = points.shape[1], j, k, e, count = 0
    cdef double x, y, t, share, rim
    with nogil:
        for k in range(m):
            for j in range(n):
                across(points[k, j, 0] - entry[0], points[k, j, 1] - entry[1], points[k, j, 2] - entry[2],
                       frame, bow_radius, &x, &y, &t)
                if k > 0:
                    for e in range(2):
                        rim = 0.0 if e == 0 else length
                        if before[j, 2] <= rim < t:  # False as soon as one of them is NaN
                            share = (rim - before[j, 2]) / (t - before[j, 2])
                            position[count, 0] = before[j, 0] + share * (x - before[j, 0])
                            position[count, 1] = before[j, 1] + share * (y - before[j, 1])
                            travel[count] = rim
                            room[count] = sqrt(position[count, 0] ** 2 + position[count, 1] ** 2) - margin[k - 1, j]
                            count += 1
                if 0.0 <= t <= length:
                    position[count, 0] = x
                    position[count, 1] = y
                    travel[count] = t
                    room[count] = sqrt(x * x + y * y) - margin[k, j]
                    count += 1
                before[j, 0] = x
                before[j, 1] = y
                before[j, 2] = t
    return count


cdef bint solve(double[MOST][MOST] a, double* b, int n) noexcept nogil:
    """Gaussian elimination with row pivots, in place; False when singular."""
    cdef int i, j, k, best
    cdef double factor, swap
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if fabs(a[i][k]) > fabs(a[best][k]):
                best = i
        if fabs(a[best][k]) < 1e-14:
            return False
        if best != k:
            for j in range(n):
                swap = a[k][j]
                a[k][j] = a[best][j]
                a[best][j] = swap
            swap = b[k]
            b[k] = b[best]
            b[best] = swap
        for i in range(k + 1, n):
            factor = a[i][k] / a[k][k]
            for j in range(k, n):
                a[i][j] -= factor * a[k][j]
            b[i] -= factor * b[k]
    for k in range(n - 1, -1, -1):
        for j in range(k + 1, n):
            b[k] -= a[k][j] * b[j]
        b[k] /= a[k][k]
    return True


# maximise r subject to a_i . v + w_i r <= b_i, |v| <= box. The dual has k + 1 rows however many
# constraints there are: each step solves two small systems, prices all rows against the current
# vertex (v, r) and brings in the most violated one (constraint generation).
def widest(const double[:, ::1] rows, const double[::1] cost, Py_ssize_t k, long[::1] basis, double[::1] vertex,
           double tolerance, int most_steps):
    """rows (n, k + 1) hold a_i and w_i, the box included; basis (k + 1,) is a feasible start.

    Leaves (v, r) in vertex; returns True at the optimum, False when the programme is degenerate or
    did not end; vertex is then that of the last step.
    """
    cdef Py_ssize_t n = rows.shape[0], i, j, p = k + 1, entering, leaving
    cdef int _step
    cdef double[MOST][MOST] a
    cdef double[MOST] y, weights, direction
    cdef double slack, least, ratio, best_ratio, best_pivot
    cdef bint done = False
    with nogil:
        for _step in range(most_steps):
            for i in range(p):
                for j in range(p):
                    a[i][j] = rows[basis[i], j]
                y[i] = cost[basis[i]]
            if not solve(a, y, <int>p):
                break
            least = -tolerance
            entering = -1
            for i in range(n):
                slack = cost[i]
                for j in range(p):
                    slack -= rows[i, j] * y[j]
                if slack < least:
                    least = slack
                    entering = i
            for j in range(p):
                vertex[j] = y[j]
            if entering < 0:
                done = True
                break
            for i in range(p):
                for j in range(p):
                    a[j][i] = rows[basis[i], j]
                weights[i] = 0.0
            weights[k] = 1.0
            if not solve(a, weights, <int>p):
                break
            for i in range(p):
                for j in range(p):
                    a[j][i] = rows[basis[i], j]
            for j in range(p):
                direction[j] = rows[entering, j]
            if not solve(a, direction, <int>p):
                break
            leaving = -1
            best_ratio = 0.0
            best_pivot = 0.0
            for i in range(p):
                if direction[i] > 1e-12:
                    ratio = (weights[i] if weights[i] > 0.0 else 0.0) / direction[i]
                    # Among ties the larger pivot: steadier, and it does not cycle in practice.
                    if leaving < 0 or ratio < best_ratio - 1e-14 or (
                            ratio <= best_ratio + 1e-14 and direction[i] > best_pivot):
                        leaving = i
                        best_ratio = ratio
                        best_pivot = direction[i]
            if leaving < 0:
                break
            basis[leaving] = entering
    return done
