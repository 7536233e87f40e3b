"""Fit kernels: many stem radii against the contours of all levels at once. Wrappers: ``sizing.fit.view``."""

from libc.math cimport INFINITY, NAN, atan2, fmax, fmin, sqrt


# A disc of radius r about the axis (the origin) and one edge A -> B of a contour:
#
#         B           inside the disc the edge adds the triangle (0, A', B') and its angle to the
#        /|           arc that lies in bone; outside it the disc's own sector counts.
#   B'--/ |           Summed with sign around the contour this is exact for any simple polygon,
#   /  /  |           also one that does not contain the origin or is not star-shaped.
#  0--A'--A
#
cdef inline void add_edge(double x1, double y1, double x2, double y2, double r,
                          double* area, double* arc, double* reach) noexcept nogil:
    cdef double dx = x2 - x1, dy = y2 - y1
    cdef double a = dx * dx + dy * dy
    cdef double b = x1 * dx + y1 * dy
    cdef double c = x1 * x1 + y1 * y1 - r * r
    cdef double under = b * b - a * c
    cdef double whole = atan2(x1 * y2 - x2 * y1, x1 * x2 + y1 * y2)
    cdef double root, s1, s2, ax, ay, bx, by, inside, cross
    inside = 0.0
    if under > 0.0 and a > 0.0:
        root = sqrt(under)
        s1 = fmax(0.0, (-b - root) / a)
        s2 = fmin(1.0, (-b + root) / a)
        if s2 > s1:
            ax = x1 + s1 * dx
            ay = y1 + s1 * dy
            bx = x1 + s2 * dx
            by = y1 + s2 * dy
            cross = ax * by - bx * ay
            inside = atan2(cross, ax * bx + ay * by)
            area[0] += 0.5 * cross
            arc[0] += inside
            reach[0] += 0.5 * inside * (sqrt(ax * ax + ay * ay) + sqrt(bx * bx + by * by))
    area[0] += 0.5 * r * r * (whole - inside)


def disc_sums(const double[:, :, ::1] xy, const double[:, :, ::1] edges, const double[:, ::1] radius,
              double[:, ::1] area, double[:, ::1] arc, double[:, ::1] reach):
    """For q radii at m levels: area(disc and contour), arc where the contour is nearer than r, and its mean reach.

    xy : (m, n, 2) contour about the axis; edges : (m, n, 4) per edge its nearest and farthest squared
    distance from the axis, half its cross product, its angle (NaN = not measured); radius : (q, m),
    NaN = no stem there. reach is the integral of the contour's distance over the arc.
    """
    cdef Py_ssize_t m = xy.shape[0], n = xy.shape[1], q = radius.shape[0]
    cdef Py_ssize_t i, j, k, nxt
    cdef double r, rr, s_area, s_arc, s_reach
    with nogil:
        for k in range(m):
            for i in range(q):
                r = radius[i, k]
                if r != r:
                    area[i, k] = NAN
                    arc[i, k] = NAN
                    reach[i, k] = NAN
                    continue
                rr = r * r
                s_area = 0.0
                s_arc = 0.0
                s_reach = 0.0
                for j in range(n):
                    if edges[k, j, 3] != edges[k, j, 3]:
                        continue
                    if edges[k, j, 0] >= rr:
                        s_area += 0.5 * rr * edges[k, j, 3]
                    elif edges[k, j, 1] <= rr:
                        s_area += edges[k, j, 2]
                        s_arc += edges[k, j, 3]
                        s_reach += edges[k, j, 3] * sqrt(0.5 * (edges[k, j, 0] + edges[k, j, 1]))
                    else:
                        nxt = j + 1 if j + 1 < n else 0
                        add_edge(xy[k, j, 0], xy[k, j, 1], xy[k, nxt, 0], xy[k, nxt, 1], r,
                                 &s_area, &s_arc, &s_reach)
                area[i, k] = s_area
                arc[i, k] = s_arc
                reach[i, k] = s_reach


def least_walls(const double[:, ::1] endosteal_rho, const double[:, ::1] periosteal_rho,
                const double[:, ::1] native_wall, const double[:, ::1] radius,
                double[:, ::1] cut, double[:, ::1] native):
    """For q tool radii at m levels: least wall outside the tool where it cuts, least native wall where it does not.

    Rows are levels, columns rays of the canal; a ray with NaN is left out; infinite = no such ray.
    """
    cdef Py_ssize_t m = endosteal_rho.shape[0], n = endosteal_rho.shape[1], q = radius.shape[0]
    cdef Py_ssize_t i, j, k
    cdef double r, left, low_cut, low_native
    with nogil:
        for k in range(m):
            for i in range(q):
                r = radius[i, k]
                low_cut = INFINITY
                low_native = INFINITY
                for j in range(n):
                    if endosteal_rho[k, j] < r:
                        left = periosteal_rho[k, j] - r
                        if left < low_cut:
                            low_cut = left
                    elif native_wall[k, j] < low_native:
                        low_native = native_wall[k, j]
                cut[i, k] = low_cut
                native[i, k] = low_native
