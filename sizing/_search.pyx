"""Axis search kernels: which contour points count for an axis, and the climb to where it is clear of them by most.

A pose is 9 numbers: entry, direction, and a direction x across it (for a bow: towards its centre); y = direction x x.
"""

from libc.math cimport INFINITY, cos, fabs, isfinite, sin, sqrt, tan

cdef enum:
    MOST = 8  # unknowns of the programme plus one, at most
    AROUND = 8  # rows that keep the direction within its cone: an octagon inside it
    VALUES = 5  # of a point that counts: x, y, along, far, room


# What the axis has to do; the same for all poses of one climb.
cdef struct Task:
    double bow  # radius, 0 = straight
    double low  # only points at a travel from low to high count
    double high
    double slope_low  # the same ends as slopes of along over far, for a bow
    double slope_high
    double lever  # travel at which tilt and turn are measured, as the shift they make there
    double[3] plane_point  # the axis enters here
    double[3] plane_normal
    double[3] cone  # the direction stays within a cone about this one
    double slope_cone
    double cos_cone


cdef inline double dot(const double* a, const double* b) noexcept nogil:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


cdef inline void cross(const double* a, const double* b, double* out) noexcept nogil:
    out[0] = a[1] * b[2] - a[2] * b[1]
    out[1] = a[2] * b[0] - a[0] * b[2]
    out[2] = a[0] * b[1] - a[1] * b[0]


cdef inline void make_unit(double* a) noexcept nogil:
    cdef double scale = 1.0 / sqrt(dot(a, a))
    a[0] *= scale
    a[1] *= scale
    a[2] *= scale


cdef inline void make_square(double* pose) noexcept nogil:
    """Unit direction; x a unit vector across it."""
    cdef double along
    cdef Py_ssize_t i
    make_unit(pose + 3)
    along = dot(pose + 6, pose + 3)
    for i in range(3):
        pose[6 + i] -= along * pose[3 + i]
    make_unit(pose + 6)


cdef inline void keep(double* out, double x, double y, double along, double far, double margin,
                      double* least) noexcept nogil:
    out[0] = x
    out[1] = y
    out[2] = along
    out[3] = far
    out[4] = sqrt(x * x + y * y) - margin
    if out[4] < least[0]:
        least[0] = out[4]


cdef inline bint between_ends(const double* last, const double* here, double slope, double rim, double bow,
                              double* at) noexcept nogil:
    """The point on a ray at a travel, between two levels; False when they are not to either side of it.

    last and here : x, y, along, far. Linear in travel; angles so small that this is linear in along / far.
    """
    cdef double before, after, share, h
    before = last[2] - slope * last[3]
    after = here[2] - slope * here[3]
    if not (before <= 0.0 < after):  # False as soon as one of them is NaN
        return False
    if bow > 0.0:
        before /= last[3] + slope * last[2]
        after /= here[3] + slope * here[2]
    share = before / (before - after)
    at[0] = last[0] + share * (here[0] - last[0])
    at[1] = last[1] + share * (here[1] - last[1])
    at[2] = rim
    at[3] = 1.0
    if bow > 0.0:
        h = (bow - at[0]) / sqrt(1.0 + slope * slope)
        at[2] = h * slope
        at[3] = h
    return True


# Contour points between the ends count, and on every ray the two points exactly at those ends,
# interpolated between levels: in a bowed canal the tightest place is the very end.
#
#   level k    o-----o-----o        o  a point that counts
#   high    ---x-----x-----x---     x  interpolated
#   level k+1  .     .     .        .  beyond
#
# along, far: on a straight axis travel and 1; on a bow the point seen from the centre of the circle, so
# that travel is bow * atan(along / far) and no angle is ever computed.
cdef Py_ssize_t gather(const double[:, :, ::1] points, const double[:, ::1] margin, const double* pose,
                       const Task* task, double[:, ::1] before, double[:, ::1] counted, double* least) noexcept nogil:
    cdef Py_ssize_t m = points.shape[0], n = points.shape[1], j, k, e, count = 0
    cdef double[3] y
    cdef double[3] p
    cdef double[4] here
    cdef double[4] at
    cdef double far, low = task.low, high = task.high, bow = task.bow
    if bow > 0.0:
        low = task.slope_low
        high = task.slope_high
    cross(pose + 3, pose + 6, y)
    least[0] = INFINITY
    for k in range(m):
        for j in range(n):
            p[0] = points[k, j, 0] - pose[0]
            p[1] = points[k, j, 1] - pose[1]
            p[2] = points[k, j, 2] - pose[2]
            here[0] = dot(p, pose + 6)
            here[1] = dot(p, y)
            here[2] = dot(p, pose + 3)
            here[3] = 1.0
            if bow > 0.0:
                far = bow - here[0]
                here[0] = bow - sqrt(far * far + here[2] * here[2])
                here[3] = far
            if k > 0:
                for e in range(2):
                    if between_ends(&before[j, 0], here, low if e == 0 else high,
                                    task.low if e == 0 else task.high, bow, at):
                        keep(&counted[count, 0], at[0], at[1], at[2], at[3], margin[k - 1, j], least)
                        count += 1
            if low * here[3] <= here[2] <= high * here[3]:
                keep(&counted[count, 0], here[0], here[1], here[2], here[3], margin[k, j], least)
                count += 1
            before[j, 0] = here[0]
            before[j, 1] = here[1]
            before[j, 2] = here[2]
            before[j, 3] = here[3]
    return count


cdef double clearance(const double[:, :, ::1] points, const double[:, ::1] margin, const double* pose,
                      const Task* task, double[:, ::1] before, double[:, ::1] counted,
                      Py_ssize_t* count) noexcept nogil:
    """The least room; -inf outside the cone, or when nothing counts."""
    cdef double least
    count[0] = gather(points, margin, pose, task, before, counted, &least)
    if count[0] == 0 or dot(pose + 3, task.cone) < task.cos_cone - 1e-12:
        return -INFINITY
    return least


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
cdef bint optimum(const double[:, ::1] rows, const double[::1] cost, Py_ssize_t n, Py_ssize_t k, long* basis,
                  double* vertex, double tolerance, int most_steps) noexcept nogil:
    cdef Py_ssize_t i, j, p = k + 1, entering, leaving
    cdef int _step
    cdef double[MOST][MOST] a
    cdef double[MOST] y, weights, direction
    cdef double slack, least, ratio, best_ratio, best_pivot
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
            return True
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
    return False


def widest(const double[:, ::1] rows, const double[::1] cost, Py_ssize_t k, long[::1] basis, double[::1] vertex,
           double tolerance, int most_steps):
    """rows (n, k + 1) hold a_i and w_i, the box included; basis (k + 1,) is a feasible start.

    Leaves (v, r) in vertex; returns True at the optimum, False when the programme is degenerate or
    did not end; vertex is then that of the last step.
    """
    cdef bint done
    with nogil:
        done = optimum(rows, cost, rows.shape[0], k, &basis[0], &vertex[0], tolerance, most_steps)
    return done


# Rows a with a . v + r <= room about a pose, for v = (shift x, shift y, tilt x, tilt y[, turn]) in mm, one
# for each point that is so near that it can become the least; then the cone, the box and r itself.
cdef Py_ssize_t programme(const double* pose, const Task* task, const double[:, ::1] counted, Py_ssize_t count,
                          double most_room, double box, double[:, ::1] rows, double[::1] cost,
                          long* basis) noexcept nogil:
    cdef Py_ssize_t i, j, n = 0, k = 5 if task.bow > 0.0 else 4
    cdef double ex, ey, rho, lever, c, s, h, far_sin, far_cos, big = 0.0, along, across_x, across_y
    cdef double[3] y
    far_sin = far_cos = 0.0
    if task.bow > 0.0:
        far_sin = sin(task.lever / task.bow)
        far_cos = 1.0 - cos(task.lever / task.bow)
    for i in range(count):
        if counted[i, 4] > most_room:
            continue
        rho = sqrt(counted[i, 0] * counted[i, 0] + counted[i, 1] * counted[i, 1])
        ex = counted[i, 0] / rho
        ey = counted[i, 1] / rho
        if task.bow > 0.0:
            h = sqrt(counted[i, 2] * counted[i, 2] + counted[i, 3] * counted[i, 3])
            s = counted[i, 2] / h
            c = counted[i, 3] / h
            lever = s / far_sin
            rows[n, 0] = ex * c
            rows[n, 4] = ey * (1.0 - c) / far_cos
        else:
            lever = counted[i, 2] / task.lever
            rows[n, 0] = ex
        rows[n, 1] = ey
        rows[n, 2] = ex * lever
        rows[n, 3] = ey * lever
        rows[n, k] = 1.0
        cost[n] = counted[i, 4]
        big = max(big, fabs(cost[n]))
        n += 1
    cross(pose + 3, pose + 6, y)
    along = dot(pose + 3, task.cone)
    across_x = dot(pose + 6, task.cone) / along
    across_y = dot(y, task.cone) / along
    for i in range(AROUND + 2 * k + 1):
        for j in range(k + 1):
            rows[n + i, j] = 0.0
    for i in range(AROUND):
        ex = cos(i * 0.7853981633974483)
        ey = sin(i * 0.7853981633974483)
        rows[n, 2] = ex / task.lever
        rows[n, 3] = ey / task.lever
        cost[n] = task.slope_cone + ex * across_x + ey * across_y
        n += 1
    for j in range(k):
        rows[n + j, j] = 1.0
        rows[n + k + j, j] = -1.0
        cost[n + j] = cost[n + k + j] = box
        basis[j] = n + j
    rows[n + 2 * k, k] = 1.0
    cost[n + 2 * k] = big + 3.0 * k * box + 1.0
    basis[k] = n + 2 * k
    return n + 2 * k + 1


cdef void move(const double* v, const Task* task, double* pose) noexcept nogil:
    """Shift, tilt and turn a pose, and enter it at the plane again."""
    cdef double[3] y
    cdef double[3] start
    cdef double lever = task.lever, turn = 0.0, travel = 0.0, c, s, step
    cdef double[3] centre
    cdef double[3] tangent
    cdef Py_ssize_t i
    cdef int _newton
    if task.bow > 0.0:
        lever = task.bow * sin(task.lever / task.bow)
        turn = v[4] / (task.bow * (1.0 - cos(task.lever / task.bow)))
    cross(pose + 3, pose + 6, y)
    for i in range(3):
        start[i] = pose[i] + v[0] * pose[6 + i] + v[1] * y[i]
        pose[3 + i] += (v[2] * pose[6 + i] + v[3] * y[i]) / lever
        pose[6 + i] += turn * y[i]
    make_square(pose)
    for i in range(3):
        centre[i] = start[i] + task.bow * pose[6 + i]
        pose[i] = start[i]
        tangent[i] = pose[3 + i]
    for _newton in range(3):  # exact at once for a straight axis, to 1e-6 mm in two steps for a bow
        step = 0.0
        for i in range(3):
            step += (pose[i] - task.plane_point[i]) * task.plane_normal[i]
        travel -= step / dot(tangent, task.plane_normal)
        c = cos(travel / task.bow) if task.bow > 0.0 else 1.0
        s = sin(travel / task.bow) if task.bow > 0.0 else 0.0
        for i in range(3):
            tangent[i] = c * pose[3 + i] + s * pose[6 + i]
            if task.bow > 0.0:
                pose[i] = start[i] + task.bow * (s * pose[3 + i] + (1.0 - c) * pose[6 + i])
            else:
                pose[i] = start[i] + travel * pose[3 + i]
    if task.bow > 0.0:
        for i in range(3):
            pose[6 + i] = centre[i] - pose[i]
            pose[3 + i] = tangent[i]
        make_square(pose)


cdef Task task_of(const double[::1] what):
    cdef Task task
    cdef Py_ssize_t i
    task.bow, task.low, task.high, task.lever = what[0], what[1], what[2], what[3]
    task.slope_low = tan(what[1] / what[0]) if what[0] > 0.0 and isfinite(what[1]) else what[1]
    task.slope_high = tan(what[2] / what[0]) if what[0] > 0.0 and isfinite(what[2]) else what[2]
    for i in range(3):
        task.plane_point[i], task.plane_normal[i], task.cone[i] = what[4 + i], what[7 + i], what[10 + i]
    task.slope_cone = tan(what[13]) * cos(0.39269908169872414)  # of the octagon inside the cone
    task.cos_cone = cos(what[13])
    return task


def least_room(const double[:, :, ::1] points, const double[:, ::1] margin, const double[::1] pose,
               const double[::1] what, double[:, ::1] before, double[:, ::1] counted):
    """The exact clearance of a pose, -inf when it is outside its cone, and how many points count for it.

    points (m, n, 3), margin (m, n); pose (9,); what (14,) = bow radius, low, high, lever, a point and the normal
    of the plane of entry, the cone's direction and its half angle in rad. before (n, 4) and counted
    (m * n + 2 * n, 5) are scratch; counted then holds x, y, along, far, room of the points that count.
    """
    cdef Task task = task_of(what)
    cdef Py_ssize_t count
    cdef double least
    with nogil:
        least = clearance(points, margin, &pose[0], &task, before, counted, &count)
    return least, count


def climb(const double[:, :, ::1] points, const double[:, ::1] margin, double[::1] pose, const double[::1] what,
          double room, double converged, double least_move, double reach, int most_rounds,
          double[:, ::1] before, double[:, ::1] counted, double[:, ::1] rows, double[::1] cost):
    """Take rounds of the linear programme until one gains next to nothing; returns the clearance of the pose left.

    See least_room for points to counted. room : how far a round may move either end at first; a round that gains
    less than converged is the last, as is one that may move less than least_move. reach : within this many rooms
    of the least a point can become the least. rows (m * n + 2 * n + 19, 6) and cost are scratch.
    """
    cdef Task task = task_of(what)
    cdef Py_ssize_t count, n, i, k = 5 if task.bow > 0.0 else 4
    cdef int _round
    cdef long[MOST] basis
    cdef double[MOST] vertex
    cdef double[9] moved
    cdef double now, then, step
    with nogil:
        now = clearance(points, margin, &pose[0], &task, before, counted, &count)
        for _round in range(most_rounds):
            if count == 0:
                break
            step = INFINITY
            for i in range(count):
                step = min(step, counted[i, 4])
            n = programme(&pose[0], &task, counted, count, step + reach * room, room, rows, cost, basis)
            for i in range(9):
                moved[i] = pose[i]
            step = 0.0
            if optimum(rows, cost, n, k, basis, vertex, 1e-10, 500):
                for i in range(k):
                    step = max(step, fabs(vertex[i]))
                move(vertex, &task, moved)
            then = clearance(points, margin, moved, &task, before, counted, &count)
            if then > now:
                room = min(room, max(3.0 * step, least_move))  # the next move is much smaller
                for i in range(9):
                    pose[i] = moved[i]
                if then - now < converged:
                    now = then
                    break
                now = then
            else:
                room /= 4.0
                if room < least_move:
                    break
                clearance(points, margin, &pose[0], &task, before, counted, &count)
    return now
