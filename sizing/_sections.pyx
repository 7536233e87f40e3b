"""Circles of closed sections. Private: ``sizing.canal.sections`` validates and documents."""

from libc.math cimport NAN, fabs, isnan, sqrt

cdef enum:
    MOST = 24  # constraints kept at once; three hold at the optimum, the rest are history


# inscribed_circles: the largest circle inside each contour.
#
# Largest r with |p_i - c| >= r for every point. Distance is convex in c, so its tangent at the present
# centre is a lower bound: the linear programme   max r,  u_i . d + r <= |p_i - c|,  |d| <= trust   can only
# improve r. It is solved by constraint generation (the most violated point is added until none is), each
# small programme by trying all vertices; then c moves by d. Converges in a few moves.
def inscribed_circles(const double[:, :, ::1] points, const double[:, ::1] start,
                      double[:, ::1] centre, double[::1] radius):
    cdef Py_ssize_t i
    with nogil:
        for i in range(points.shape[0]):
            centre[i, 0] = start[i, 0]
            centre[i, 1] = start[i, 1]
            radius[i] = _inscribed(points[i], &centre[i, 0])


cdef double _inscribed(const double[:, ::1] p, double* c) noexcept nogil:
    cdef double row[MOST][4]
    cdef double d[3]
    cdef double trust, before = -1, r = _nearest(p, c)
    cdef Py_ssize_t _move
    cdef int n
    if isnan(r):
        c[0] = c[1] = NAN
        return NAN
    for _move in range(50):
        trust = 0.5 * r + 1e-6
        n = _box(row, trust)
        d[0] = d[1] = 0
        d[2] = 1e9
        while n < MOST:
            if not _add_most_violated(p, c, d, row[n]):
                break
            n += 1
            if not _best_vertex(row, n, d):
                break
        c[0] += d[0]
        c[1] += d[1]
        before = r
        r = _nearest(p, c)
        if r < before:  # the tangents promised no loss: rounding only
            c[0] -= d[0]
            c[1] -= d[1]
            return before
        if r - before < 1e-9:
            break
    return r


cdef double _nearest(const double[:, ::1] p, const double* c) noexcept nogil:
    cdef double best = 1e300, d
    cdef Py_ssize_t i
    for i in range(p.shape[0]):
        d = (p[i, 0] - c[0]) ** 2 + (p[i, 1] - c[1]) ** 2
        if isnan(d):
            return NAN
        if d < best:
            best = d
    return sqrt(best)


# rows are a0 d0 + a1 d1 + a2 r <= b
cdef int _box(double[MOST][4] row, double trust) noexcept nogil:
    cdef int i
    for i in range(4):
        row[i][0] = (1.0 if i == 0 else -1.0) if i < 2 else 0.0
        row[i][1] = (1.0 if i == 2 else -1.0) if i >= 2 else 0.0
        row[i][2] = 0
        row[i][3] = trust
    return 4


cdef bint _add_most_violated(const double[:, ::1] p, const double* c, const double* d, double* row) noexcept nogil:
    cdef double worst = 1e-10, x, y, dist, miss
    cdef Py_ssize_t i
    cdef bint found = False
    for i in range(p.shape[0]):
        x = p[i, 0] - c[0]
        y = p[i, 1] - c[1]
        dist = sqrt(x * x + y * y)
        if dist == 0:
            continue
        miss = d[2] + (x * d[0] + y * d[1]) / dist - dist
        if miss > worst:
            worst = miss
            row[0] = x / dist
            row[1] = y / dist
            row[2] = 1
            row[3] = dist
            found = True
    return found


cdef bint _best_vertex(double[MOST][4] row, int n, double* d) noexcept nogil:
    cdef int i, j, k, q
    cdef double x[3]
    cdef double best = -1e300
    cdef bint ok
    for i in range(n):
        for j in range(i + 1, n):
            for k in range(j + 1, n):
                if not _solve3(row[i], row[j], row[k], x):
                    continue
                if x[2] <= best:
                    continue
                ok = True
                for q in range(n):
                    if row[q][0] * x[0] + row[q][1] * x[1] + row[q][2] * x[2] > row[q][3] + 1e-9:
                        ok = False
                        break
                if ok:
                    best = x[2]
                    d[0] = x[0]
                    d[1] = x[1]
                    d[2] = x[2]
    return best > -1e300


cdef bint _solve3(const double* a, const double* b, const double* c, double* x) noexcept nogil:
    cdef double c0 = b[1] * c[2] - b[2] * c[1], c1 = b[2] * c[0] - b[0] * c[2], c2 = b[0] * c[1] - b[1] * c[0]
    cdef double det = a[0] * c0 + a[1] * c1 + a[2] * c2
    if fabs(det) < 1e-12:
        return False
    x[0] = (a[3] * c0 + a[1] * (b[2] * c[3] - b[3] * c[2]) + a[2] * (b[3] * c[1] - b[1] * c[3])) / det
    x[1] = (a[0] * (b[3] * c[2] - b[2] * c[3]) + a[3] * c1 + a[2] * (b[0] * c[3] - b[3] * c[0])) / det
    x[2] = (a[0] * (b[1] * c[3] - b[3] * c[1]) + a[1] * (b[3] * c[0] - b[0] * c[3]) + a[3] * c2) / det
    return True


# enclosing_circles: the smallest circle round each contour.
#
# The farthest points are collected and the smallest circle
# through two or three of them that holds all is taken, until no point of the contour lies outside.
def enclosing_circles(const double[:, :, ::1] points, double[:, ::1] centre, double[::1] radius):
    cdef Py_ssize_t i
    with nogil:
        for i in range(points.shape[0]):
            radius[i] = _enclosing(points[i], &centre[i, 0])


cdef double _enclosing(const double[:, ::1] p, double* c) noexcept nogil:
    cdef double near[MOST][2]
    cdef double r2 = 0, far, d
    cdef Py_ssize_t i, best
    cdef int n = 0
    c[0] = c[1] = 0
    for i in range(p.shape[0]):
        if isnan(p[i, 0]) or isnan(p[i, 1]):
            c[0] = c[1] = NAN
            return NAN
        c[0] += p[i, 0] / p.shape[0]
        c[1] += p[i, 1] / p.shape[0]
    while n < MOST:
        far = r2 * (1 + 1e-12)
        best = -1
        for i in range(p.shape[0]):
            d = (p[i, 0] - c[0]) ** 2 + (p[i, 1] - c[1]) ** 2
            if d > far:
                far = d
                best = i
        if best < 0:
            break
        near[n][0] = p[best, 0]
        near[n][1] = p[best, 1]
        n += 1
        r2 = _circle_of(near, n, c)
    return sqrt(r2)


cdef double _circle_of(double[MOST][2] q, int n, double* c) noexcept nogil:
    cdef int i, j, k
    cdef double x, y, r2, best = 1e300
    if n == 1:
        c[0] = q[0][0]
        c[1] = q[0][1]
        return 0
    for i in range(n):
        for j in range(i + 1, n):
            x = 0.5 * (q[i][0] + q[j][0])
            y = 0.5 * (q[i][1] + q[j][1])
            r2 = (q[i][0] - x) ** 2 + (q[i][1] - y) ** 2
            if r2 < best and _holds(q, n, x, y, r2):
                best = r2
                c[0] = x
                c[1] = y
            for k in range(j + 1, n):
                if not _circumcentre(q[i], q[j], q[k], &x, &y):
                    continue
                r2 = (q[i][0] - x) ** 2 + (q[i][1] - y) ** 2
                if r2 < best and _holds(q, n, x, y, r2):
                    best = r2
                    c[0] = x
                    c[1] = y
    return best


cdef bint _holds(double[MOST][2] q, int n, double x, double y, double r2) noexcept nogil:
    cdef int i
    for i in range(n):
        if (q[i][0] - x) ** 2 + (q[i][1] - y) ** 2 > r2 * (1 + 1e-10):
            return False
    return True


cdef bint _circumcentre(const double* a, const double* b, const double* c, double* x, double* y) noexcept nogil:
    cdef double bx = b[0] - a[0], by = b[1] - a[1], cx = c[0] - a[0], cy = c[1] - a[1]
    cdef double d = 2 * (bx * cy - by * cx), b2 = bx * bx + by * by, c2 = cx * cx + cy * cy
    if fabs(d) < 1e-12:
        return False
    x[0] = a[0] + (cy * b2 - by * c2) / d
    y[0] = a[1] + (bx * c2 - cx * b2) / d
    return True


# nearest_on_surface: distance from points of one tube to another tube round it.
#
#   points (m, n, 3)    inner tube: level i, ray j
#   surface (m, f n, 3) outer tube, f times denser round the section; the same levels
#
# The nearest vertex is found round the same level within `reach` vertices, then by descent to neighbouring levels;
# the distance is that to the nearest of the eight triangles round it. Unknown (NaN) vertices are passed over.
def nearest_on_surface(const double[:, :, ::1] points, const double[:, :, ::1] surface, Py_ssize_t reach,
                       double[:, ::1] out):
    cdef Py_ssize_t i, j, factor = surface.shape[1] // points.shape[1]
    with nogil:
        for i in range(points.shape[0]):
            for j in range(points.shape[1]):
                if isnan(points[i, j, 0]):
                    out[i, j] = NAN
                else:
                    out[i, j] = _to_surface(&points[i, j, 0], surface, i, j * factor, reach)


cdef double _to_surface(const double* p, const double[:, :, ::1] s, Py_ssize_t i, Py_ssize_t j,
                        Py_ssize_t reach) noexcept nogil:
    cdef Py_ssize_t m = s.shape[0], k = s.shape[1], a, b, bi = i, bj = j, ni, nj, _step
    cdef double best = 1e300, d
    cdef bint moved = True
    for b in range(j - reach, j + reach + 1):
        nj = (b + k) % k
        d = _square(p, &s[i, nj, 0])
        if d < best:
            best = d
            bj = nj
    if best == 1e300:
        return NAN
    for _step in range(4 * m):
        if not moved:
            break
        moved = False
        ni = bi
        nj = bj
        for a in range(max(ni - 1, 0), min(ni + 2, m)):
            for b in range(nj - 1, nj + 2):
                d = _square(p, &s[a, (b + k) % k, 0])
                if d < best:
                    best = d
                    bi = a
                    bj = (b + k) % k
                    moved = True
    for a in range(bi - 1, bi + 1):
        if a < 0 or a + 1 >= m:
            continue
        for b in range(bj - 1, bj + 1):
            ni = (b + k) % k
            nj = (b + 1 + k) % k
            best = min(best, _to_triangle(p, &s[a, ni, 0], &s[a, nj, 0], &s[a + 1, ni, 0]))
            best = min(best, _to_triangle(p, &s[a + 1, nj, 0], &s[a + 1, ni, 0], &s[a, nj, 0]))
    return sqrt(best)


cdef inline double _square(const double* p, const double* q) noexcept nogil:
    cdef double d = (p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2 + (p[2] - q[2]) ** 2
    return 1e300 if isnan(d) else d


cdef double _to_triangle(const double* p, const double* a, const double* b, const double* c) noexcept nogil:
    """Squared distance to a triangle: inside, the plane; outside, the nearest edge."""
    cdef double u[3]
    cdef double v[3]
    cdef double w[3]
    cdef double uu = 0, uv = 0, vv = 0, uw = 0, vw = 0, ww = 0, det, s, t
    cdef int i
    for i in range(3):
        u[i] = b[i] - a[i]
        v[i] = c[i] - a[i]
        w[i] = p[i] - a[i]
        uu += u[i] * u[i]
        uv += u[i] * v[i]
        vv += v[i] * v[i]
        uw += u[i] * w[i]
        vw += v[i] * w[i]
        ww += w[i] * w[i]
    det = uu * vv - uv * uv
    if isnan(det) or det <= 0:
        return 1e300
    s = (uw * vv - vw * uv) / det
    t = (vw * uu - uw * uv) / det
    if s >= 0 and t >= 0 and s + t <= 1:
        return max(ww - s * uw - t * vw, 0.0)
    s = _to_edge(ww, uw, uu)
    t = _to_edge(ww, vw, vv)
    # edge b-c, seen from b
    det = _to_edge(ww - 2 * uw + uu, vw - uw - uv + uu, uu - 2 * uv + vv)
    return min(s, min(t, det))


cdef inline double _to_edge(double ww, double ew, double ee) noexcept nogil:
    cdef double t = ew / ee
    t = 0 if t < 0 else (1 if t > 1 else t)
    return max(ww - 2 * t * ew + t * t * ee, 0.0)
