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

    A disc that lies all inside a contour, or holds all of it, needs only the contour's own sums.

    xy : (m, n, 2) contour about the axis; edges : (m, n, 4) per edge its nearest and farthest squared
    distance from the axis, half its cross product, its angle (NaN = not measured); radius : (q, m),
    NaN = no stem there. reach is the integral of the contour's distance over the arc.
    """
    cdef Py_ssize_t m = xy.shape[0], n = xy.shape[1], q = radius.shape[0]
    cdef Py_ssize_t i, j, k, nxt
    cdef double r, rr, s_area, s_arc, s_reach, nearest, farthest, all_area, all_arc, all_reach
    with nogil:
        for k in range(m):
            nearest = INFINITY
            farthest = 0.0
            all_area = 0.0
            all_arc = 0.0
            all_reach = 0.0
            for j in range(n):
                if edges[k, j, 3] == edges[k, j, 3]:
                    nearest = fmin(nearest, edges[k, j, 0])
                    farthest = fmax(farthest, edges[k, j, 1])
                    all_area += edges[k, j, 2]
                    all_arc += edges[k, j, 3]
                    all_reach += edges[k, j, 3] * sqrt(0.5 * (edges[k, j, 0] + edges[k, j, 1]))
            for i in range(q):
                r = radius[i, k]
                if r != r:
                    area[i, k] = NAN
                    arc[i, k] = NAN
                    reach[i, k] = NAN
                    continue
                rr = r * r
                if rr <= nearest or rr >= farthest:
                    area[i, k] = 0.5 * rr * all_arc if rr <= nearest else all_area
                    arc[i, k] = 0.0 if rr <= nearest else all_arc
                    reach[i, k] = 0.0 if rr <= nearest else all_reach
                    continue
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


cdef inline double edge_angle(double cross, double dot) noexcept nogil:
    # Edges seen from near the middle span a few degrees: the series is exact to rounding there.
    cdef double x, xx
    if dot > 0.0 and cross < 0.1 * dot and cross > -0.1 * dot:
        x = cross / dot
        xx = x * x
        return x * (1.0 - xx * (1.0 / 3.0 - xx * (0.2 - xx * (1.0 / 7.0 - xx * (1.0 / 9.0 - xx / 11.0)))))
    return atan2(cross, dot)


def across_axis(const double[:, :, ::1] points, const double[::1] entry, const double[:, ::1] frame, double bow_radius,
                double[:, :, ::1] xy, double[:, ::1] rho, double[:, ::1] travel):
    """Put contour points (m, n, 3) in the plane across an axis.

    frame rows: direction at the entry, then the two axes across it; with a bow the second row points to
    the centre of curvature. bow_radius 0 = straight. Out: coordinates along rows two and three, distance
    from the axis, travel of the nearest point of the axis.
    """
    cdef Py_ssize_t m = points.shape[0], n = points.shape[1], j, k
    cdef double px, py, pz, along, inward, sideways, far
    with nogil:
        for k in range(m):
            for j in range(n):
                px = points[k, j, 0] - entry[0]
                py = points[k, j, 1] - entry[1]
                pz = points[k, j, 2] - entry[2]
                along = px * frame[0, 0] + py * frame[0, 1] + pz * frame[0, 2]
                inward = px * frame[1, 0] + py * frame[1, 1] + pz * frame[1, 2]
                sideways = px * frame[2, 0] + py * frame[2, 1] + pz * frame[2, 2]
                if bow_radius > 0.0:
                    far = bow_radius - inward
                    inward = bow_radius - sqrt(far * far + along * along)
                    along = bow_radius * atan2(along, far)
                xy[k, j, 0] = inward
                xy[k, j, 1] = sideways
                rho[k, j] = sqrt(inward * inward + sideways * sideways)
                travel[k, j] = along


def contour_edges(const double[:, :, ::1] xy, const double[:, ::1] rho, double[:, :, ::1] edges):
    """Per edge j -> j+1: nearest and farthest squared distance from the origin, half cross product, angle."""
    cdef Py_ssize_t m = xy.shape[0], n = xy.shape[1], j, k, nxt
    cdef double x1, y1, x2, y2, cross, dot, r1, r2, near
    with nogil:
        for k in range(m):
            for j in range(n):
                nxt = j + 1 if j + 1 < n else 0
                x1 = xy[k, j, 0]
                y1 = xy[k, j, 1]
                x2 = xy[k, nxt, 0]
                y2 = xy[k, nxt, 1]
                cross = x1 * y2 - x2 * y1
                dot = x1 * x2 + y1 * y2
                r1 = rho[k, j] * rho[k, j]
                r2 = rho[k, nxt] * rho[k, nxt]
                near = fmin(r1, r2)
                if r1 > dot and r2 > dot:
                    near = cross * cross / (r1 + r2 - 2.0 * dot)
                edges[k, j, 0] = near
                edges[k, j, 1] = fmax(r1, r2)
                edges[k, j, 2] = 0.5 * cross
                edges[k, j, 3] = edge_angle(cross, dot)
