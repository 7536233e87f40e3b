r"""Tools cut through sections of a canal, exactly: areas, volumes and contact, one ray at a time.

A section is a plane with its own origin O and axes (u, v). Its contours are radii on n equal rays from O,
read as smooth curves. A tool meets the plane in a point c where its axis pierces it; with the tool's
direction d and curvature k there, a point at x, y has (q = (x, y) - c)

    travel beyond c   delta = q.d / (1 - q.k)
    distance to axis  rho^2 = q.q - (q.d)^2 / (1 - q.k)

              ray from O
             /   enters at lo, leaves at hi
        ____/____
       /   /     \            Along a ray both are known functions of its length l, so each piece of the
      |   O   c   |  tool     tool (rho^2 <= a + b tau + c tau^2, low <= tau <= high) is met in the roots
       \_________/            of a quadratic, and the tool in one interval lo..hi.

Unions of tools are unions of intervals. What a hole takes from the canal, the bone and beyond follows by
cutting the intervals at the contours' radii; the integral over the angle is Gauss quadrature in every cell
between two rays. Where anything changes its kind inside a cell (the hole's edge crosses a contour, another
tool becomes the outermost), the place is found by bisection and the cell is split there: no smooth
quadrature ever runs across a corner.

All kernels take section-local numbers; they know no patient frame.
"""

import numpy as np

from libc.math cimport NAN, atan2, cos, fabs, floor, isnan, sin, sqrt

from sizing._extremes cimport least_of, most_of

cdef enum:
    POINTS = 8           # samples in one interpolation stencil
    AHEAD = 3            # of these, before the cell's first ray
    GAUSS = 3            # quadrature nodes in a cell
    MOST_INTERVALS = 12  # disjoint stretches of one ray inside tools
    MOST_BREAKS = 16     # corners inside one cell
    BISECTIONS = 24      # a cell's width / 2**24: far below what a corner can do to an integral
    SHRINKS = 10         # a ray's spacing * 0.6**10: below 0.01 of it, and a least distance is flat there
    FREE_RAYS = 24       # round a tool that lies free in the canal
    TOOL = 8             # cx, cy, du, dv, ku, kv, tau0, reaches
    PIECE = 5            # low, high, a, b, c
    SECTION = 6          # w0, wu, wv, g0, gu, gv: weights of a volume element; height over the cut plane
    PARTS = 4            # marrow, canal, bone, everywhere: area and its first moments along u and v
    FLANK = 12           # engaged flank
    ANGLE = 13           # engaged angle
    OUT = 14

cdef int FLOATING = -1000000       # a kind of its own: this pass needs no rays in this section
cdef double PI = 3.141592653589793
cdef double FREE = 1.02             # a tool this much wider still touches nothing: then nor does it between two rays
cdef double FAR = 1e30              # no limit
cdef double NEAR_ORIGIN = 1.0       # mm; bending moves a surface by far less than this
cdef double POLISHED = 1e-5         # mm; the next Newton step would be the square of this
cdef double PLANE_EPSILON = 1e-12  # a ray this parallel to a plane never meets it

# Gauss-Legendre nodes and weights on 0..1, three points: exact for fifth degree in a cell.
cdef double[GAUSS] GAUSS_X = [0.1127016653792583, 0.5, 0.8872983346207417]
cdef double[GAUSS] GAUSS_W = [0.2777777777777778, 0.4444444444444444, 0.2777777777777778]

cdef struct Ray:
    double c, s                      # direction
    double marrow, canal, bone       # radii of the contours
    double keep_low, keep_high       # what lies proximal of the cut plane
    int approach                     # tool axis that the next numbers belong to, -1 = none yet
    double ed, cd, ec, cc, ek, ck    # ray.d, c.d, ray.c, c.c, ray.k, c.k: shared by all tools of one axis

cdef struct Hole:
    int count
    int outermost                    # tool whose surface ends the last interval
    int bounded_by_plane
    double low[MOST_INTERVALS]
    double high[MOST_INTERVALS]


cdef inline void lagrange(double x, double* weight) noexcept nogil:
    """Weights of 8 equally spaced samples at -3..4 for a value at x."""
    cdef double[8] before, after
    cdef double[8] factor = [-1.0 / 5040, 1.0 / 720, -1.0 / 240, 1.0 / 144, -1.0 / 144, 1.0 / 240, -1.0 / 720,
                             1.0 / 5040]
    cdef int i
    before[0] = 1.0
    after[POINTS - 1] = 1.0
    for i in range(1, POINTS):
        before[i] = before[i - 1] * (x - (i - 1 - AHEAD))
    for i in range(POINTS - 2, -1, -1):
        after[i] = after[i + 1] * (x - (i + 1 - AHEAD))
    for i in range(POINTS):
        weight[i] = factor[i] * before[i] * after[i]


cdef inline double smooth(const double* sample, double x, const double* weight) noexcept nogil:
    """Value at x in 0..1 between sample[3] and sample[4]; beside a gap from fewer samples, in a gap NaN."""
    cdef double value = 0.0
    cdef int i
    for i in range(POINTS):
        value += weight[i] * sample[i]
    if not isnan(value):
        return value
    value = (-x * (x - 1) * (x - 2) / 6 * sample[2] + (x + 1) * (x - 1) * (x - 2) / 2 * sample[3]
             - (x + 1) * x * (x - 2) / 2 * sample[4] + (x + 1) * x * (x - 1) / 6 * sample[5])
    if not isnan(value):
        return value
    return (1.0 - x) * sample[3] + x * sample[4]


cdef inline double polish(double at, double a, double b, double c, double ed, double cd, double ec, double cc,
                          double ek, double ck, double tau0) noexcept nogil:
    """Newton steps onto a bowed tool's surface, from the root for the straight one."""
    cdef double qd, bend, delta, tau, value, slope, move
    cdef int _i
    for _i in range(3):
        qd = at * ed - cd
        bend = 1.0 - (at * ek - ck)
        delta = qd / bend
        tau = tau0 + delta
        value = at * at - 2.0 * at * ec + cc - qd * delta - a - tau * (b + c * tau)
        slope = 2.0 * at - 2.0 * ec - 2.0 * delta * ed - delta * delta * ek - (b + 2.0 * c * tau) * ed / bend
        move = value / slope
        at -= move
        if fabs(move) < POLISHED:
            break
    return at


cdef inline void come_near(const double* tool, int axis, Ray* ray) noexcept nogil:
    """Set up what a ray shares with all tools of one axis."""
    cdef double cx = tool[0], cy = tool[1], du = tool[2], dv = tool[3], ku = tool[4], kv = tool[5]
    ray.approach = axis
    ray.ed = du * ray.c + dv * ray.s
    ray.cd = du * cx + dv * cy
    ray.ec = cx * ray.c + cy * ray.s
    ray.cc = cx * cx + cy * cy
    ray.ek = ku * ray.c + kv * ray.s
    ray.ck = ku * cx + kv * cy


cdef inline bint tool_interval(const double* tool, int axis, const double* piece, int n_pieces, Ray* ray,
                               double* low, double* high, int* plane) noexcept nogil:
    """Where the ray enters and leaves a tool; False where it misses it."""
    if ray.approach != axis:
        come_near(tool, axis, ray)
    cdef double ed = ray.ed, cd = ray.cd, ec = ray.ec, cc = ray.cc, tau0 = tool[6], s0 = tau0 - cd
    cdef double a, b, c, qa, qb, qc, root, enter, leave, first, last
    cdef bint curved = tool[4] != 0.0 or tool[5] != 0.0
    cdef bint cut, hit = False
    cdef int i
    low[0] = 0.0
    high[0] = 0.0
    plane[0] = 0
    for i in range(n_pieces):
        a = piece[PIECE * i + 2]
        b = piece[PIECE * i + 3]
        c = piece[PIECE * i + 4]
        qa = 1.0 - ed * ed * (1.0 + c)
        qb = -ec + ed * (cd - 0.5 * b - c * s0)
        qc = cc - cd * cd - a - s0 * (b + c * s0)
        root = qb * qb - qa * qc
        if not (root > 0.0 and qa > 0.0):
            continue
        root = sqrt(root)
        qa = 1.0 / qa
        enter = (-qb - root) * qa
        leave = (-qb + root) * qa
        if curved:
            if enter > -NEAR_ORIGIN:  # else the ray begins inside the tool
                enter = polish(enter, a, b, c, ed, cd, ec, cc, ray.ek, ray.ck, tau0)
            leave = polish(leave, a, b, c, ed, cd, ec, cc, ray.ek, ray.ck, tau0)
        cut = False
        if fabs(ed) > PLANE_EPSILON:
            first = (piece[PIECE * i] - s0) / ed
            last = (piece[PIECE * i + 1] - s0) / ed
            enter = most_of(enter, least_of(first, last))
            cut = most_of(first, last) < leave
            leave = least_of(leave, most_of(first, last))
        elif s0 < piece[PIECE * i] or s0 > piece[PIECE * i + 1]:
            continue
        enter = most_of(enter, ray.keep_low)
        leave = least_of(leave, ray.keep_high)
        if leave <= enter:
            continue
        if not hit or leave > high[0]:
            plane[0] = cut
            high[0] = leave
        low[0] = least_of(low[0], enter) if hit else enter
        hit = True
    return hit


cdef inline void add_interval(Hole* hole, double low, double high, int tool, int plane) noexcept nogil:
    """Join one more stretch to a hole; stretches stay sorted and apart."""
    cdef int i, first = 0, last
    if hole.count == 0 or high > hole.high[hole.count - 1]:
        hole.outermost = tool
        hole.bounded_by_plane = plane
    while first < hole.count and hole.high[first] < low:
        first += 1
    last = first
    while last < hole.count and hole.low[last] <= high:
        low = least_of(low, hole.low[last])
        high = most_of(high, hole.high[last])
        last += 1
    if last == first:  # touches none: make room
        if hole.count == MOST_INTERVALS:
            return
        for i in range(hole.count, first, -1):
            hole.low[i] = hole.low[i - 1]
            hole.high[i] = hole.high[i - 1]
        hole.count += 1
    elif last > first + 1:  # bridges several
        for i in range(last, hole.count):
            hole.low[first + 1 + i - last] = hole.low[i]
            hole.high[first + 1 + i - last] = hole.high[i]
        hole.count -= last - first - 1
    hole.low[first] = low
    hole.high[first] = high


cdef inline void inside(const Hole* hole, double limit, double* area, double* moment) noexcept nogil:
    """The hole's share of the ray up to a limit: area per radian, and its moment along the ray."""
    cdef double low, high
    cdef int i
    area[0] = 0.0
    moment[0] = 0.0
    for i in range(hole.count):
        low = hole.low[i]
        if low >= limit:
            break
        high = least_of(hole.high[i], limit)
        area[0] += 0.5 * (high * high - low * low)
        moment[0] += (high * high * high - low * low * low) / 3.0


cdef inline int kind_of(const Hole* hole, const Ray* ray) noexcept nogil:
    """A number that changes wherever the integrand or the contact changes its kind along the angle."""
    cdef double edge
    cdef int kind
    if hole.count == 0:
        return -1
    edge = hole.high[hole.count - 1]
    kind = (edge > ray.marrow) + (edge > ray.canal) + (edge > ray.bone)
    kind = 4 * kind + hole.count + (64 if hole.low[0] > 0.0 else 0)
    return 256 * (2 * hole.outermost + hole.bounded_by_plane) + kind


cdef class Sections:
    """Contours and tools of a stack of sections, checked once and then only read by the kernels.

    Contours are padded copies: column i holds ray i - 3, so that a cell's stencil is 8 neighbours in a row.
    """

    cdef readonly int n_sections, n_rays, n_passes
    cdef const double[:, ::1] marrow, canal, bone, frames
    cdef const double[:, :, ::1] tools
    cdef const double[:, :, ::1] pieces
    cdef const int[::1] n_pieces
    cdef const int[:, ::1] active
    cdef bint plain                       # no cancellous layer: marrow and canal are one array
    cdef const int[::1] axis_of           # tools that share an axis share a number
    cdef double step
    cdef double[GAUSS + 2] node           # both ends of a cell and the quadrature nodes between
    cdef double[GAUSS + 2][POINTS] at_node
    cdef double[:, :, ::1] trig           # (n_rays, GAUSS + 2, 2) cosine and sine at the nodes

    def __init__(self, const double[:, ::1] marrow, const double[:, ::1] canal, const double[:, ::1] bone,
                 const double[:, ::1] frames, const double[:, :, ::1] tools, const double[:, :, ::1] pieces,
                 const int[::1] n_pieces, const int[:, ::1] active, const int[::1] axis_of):
        self.n_sections = canal.shape[0]
        self.n_rays = canal.shape[1] - (POINTS - 1)
        self.n_passes = tools.shape[0]
        if not (marrow.shape[0] == bone.shape[0] == canal.shape[0]
                and marrow.shape[1] == bone.shape[1] == canal.shape[1]):
            raise ValueError("contours of different shapes")
        if self.n_rays < POINTS or frames.shape[0] != self.n_sections or frames.shape[1] != SECTION:
            raise ValueError("frames must be (n_sections, 6), contours (n_sections, n_rays + 7) with 8 rays or more")
        if tools.shape[1] != self.n_sections or tools.shape[2] != TOOL:
            raise ValueError("tools must be (n_passes, n_sections, 8)")
        if pieces.shape[0] != self.n_passes or pieces.shape[2] != PIECE or n_pieces.shape[0] != self.n_passes:
            raise ValueError("pieces must be (n_passes, most pieces, 5)")
        if axis_of.shape[0] != self.n_passes:
            raise ValueError("axis_of must be (n_passes,)")
        if active.shape[0] != self.n_passes or active.shape[1] < self.n_passes + 1:
            raise ValueError("active must be (n_passes, n_passes + 1): a count and that many tools")
        self.marrow, self.canal, self.bone, self.frames = marrow, canal, bone, frames
        self.tools, self.pieces, self.n_pieces, self.active, self.axis_of = tools, pieces, n_pieces, active, axis_of
        self.plain = self.n_sections > 0 and &marrow[0, 0] == &canal[0, 0]
        self.step = 2.0 * PI / self.n_rays
        cdef int g, cell
        self.trig = np.empty((self.n_rays, GAUSS + 2, 2))
        for g in range(GAUSS + 2):
            self.node[g] = 0.0 if g == 0 else (1.0 if g == GAUSS + 1 else GAUSS_X[g - 1])
            lagrange(self.node[g], &self.at_node[g][0])
            for cell in range(self.n_rays):
                self.trig[cell, g, 0] = cos((cell + self.node[g]) * self.step)
                self.trig[cell, g, 1] = sin((cell + self.node[g]) * self.step)

    cdef inline bint measured(self, int section, int cell) noexcept nogil:
        cdef int k = cell + AHEAD
        return not (isnan(self.canal[section, k]) or isnan(self.canal[section, k + 1])
                    or isnan(self.bone[section, k]) or isnan(self.bone[section, k + 1])
                    or isnan(self.marrow[section, k]) or isnan(self.marrow[section, k + 1]))

    cdef inline void look(self, int section, int cell, double x, const double* weight, Ray* ray) noexcept nogil:
        """Set up the ray at fraction x of a cell."""
        cdef double angle = (cell + x) * self.step
        ray.c = cos(angle)
        ray.s = sin(angle)
        self.meet(section, cell, x, weight, ray)

    cdef inline void look_at_node(self, int section, int cell, int g, Ray* ray) noexcept nogil:
        """The same at one of the nodes, whose direction and weights are known."""
        ray.c = self.trig[cell, g, 0]
        ray.s = self.trig[cell, g, 1]
        self.meet(section, cell, self.node[g], &self.at_node[g][0], ray)

    cdef inline void meet(self, int section, int cell, double x, const double* weight, Ray* ray) noexcept nogil:
        """Where a ray of known direction meets the contours and the cut plane."""
        cdef double height, climb
        ray.approach = -1
        ray.canal = smooth(&self.canal[section, cell], x, weight)
        ray.bone = smooth(&self.bone[section, cell], x, weight)
        ray.marrow = ray.canal if self.plain else smooth(&self.marrow[section, cell], x, weight)
        height = self.frames[section, 3]
        climb = self.frames[section, 4] * ray.c + self.frames[section, 5] * ray.s
        ray.keep_low = 0.0
        ray.keep_high = FAR
        if climb > PLANE_EPSILON:
            ray.keep_low = most_of(0.0, -height / climb)
        elif climb < -PLANE_EPSILON:
            ray.keep_high = -height / climb
        elif height < 0.0:
            ray.keep_high = 0.0

    cdef inline void dig(self, int section, int after_pass, Ray* ray, Hole* hole) noexcept nogil:
        """The union of the tools that matter after a pass (bigger ones on the same axis hide smaller ones)."""
        cdef int i, tool, plane
        cdef double low, high
        hole.count = 0
        hole.outermost = -1
        hole.bounded_by_plane = 0
        for i in range(self.active[after_pass, 0]):
            tool = self.active[after_pass, 1 + i]
            if self.tools[tool, section, 7] == 0.0:
                continue
            if tool_interval(&self.tools[tool, section, 0], self.axis_of[tool], &self.pieces[tool, 0, 0],
                             self.n_pieces[tool], ray, &low, &high, &plane):
                add_interval(hole, low, high, tool, plane)

    cdef int kind_at(self, int section, int cell, double x, int after_pass) noexcept nogil:
        cdef double[POINTS] weight
        cdef Ray ray
        cdef Hole hole
        lagrange(x, weight)
        self.look(section, cell, x, weight, &ray)
        self.dig(section, after_pass, &ray, &hole)
        return kind_of(&hole, &ray)

    cdef int breaks_in(self, int section, int cell, int after_pass, const int* kinds, double* at) noexcept nogil:
        """Corners inside a cell: 0, then every place where the kind changes, then 1."""
        cdef double left, right, x, low = 0.0, high
        cdef int i, _j, kind_low, count = 1
        at[0] = 0.0
        for i in range(GAUSS + 1):
            high = 1.0 if i == GAUSS else GAUSS_X[i]
            if kinds[i] != kinds[i + 1] and count < MOST_BREAKS - 1:
                left, right, kind_low = low, high, kinds[i]
                for _j in range(BISECTIONS):
                    x = 0.5 * (left + right)
                    if self.kind_at(section, cell, x, after_pass) == kind_low:
                        left = x
                    else:
                        right = x
                at[count] = 0.5 * (left + right)
                count += 1
            low = high
        at[count] = 1.0
        return count

    cdef void tally(self, const Ray* ray, const Hole* hole, double weight, double* out) noexcept nogil:
        cdef double area, moment
        cdef double[PARTS] limit = [ray.marrow, ray.canal, ray.bone, FAR]
        cdef int part
        for part in range(PARTS):
            if part > 0 and limit[part - 1] >= hole.high[hole.count - 1]:
                pass  # the hole ends before this limit: as the part before
            else:
                inside(hole, limit[part], &area, &moment)
            out[3 * part] += weight * area
            out[3 * part + 1] += weight * moment * ray.c
            out[3 * part + 2] += weight * moment * ray.s

    cdef void contact(self, int section, int cell, int this_pass, double x0, double x1, double* out) noexcept nogil:
        """Angle and area of this tool's surface between two places of a cell, where it lies in bone."""
        cdef bint whole = x0 == 0.0 and x1 == 1.0
        cdef double[POINTS] weight
        cdef double[3] px, py
        cdef double[3] x = [x0, 0.5 * (x0 + x1), x1]
        cdef Ray ray
        cdef double low, high, angle, du, dv, ds, radius, element
        cdef const double* tool = &self.tools[this_pass, section, 0]
        cdef int i, plane
        for i in range(3):
            if whole:  # start, middle and end of a cell are nodes
                self.look_at_node(section, cell, 2 * i, &ray)
            else:
                lagrange(x[i], weight)
                self.look(section, cell, x[i], weight, &ray)
            if not tool_interval(tool, self.axis_of[this_pass], &self.pieces[this_pass, 0, 0],
                                 self.n_pieces[this_pass], &ray, &low, &high, &plane):
                return
            px[i] = high * ray.c - tool[0]
            py[i] = high * ray.s - tool[1]
            if i == 1 and not (ray.canal < high < ray.bone and not plane):
                return
        du, dv = tool[2], tool[3]
        ds = sqrt(most_of(1.0 - du * du - dv * dv, 1e-12))
        angle = fabs(atan2(ds * (px[0] * py[2] - py[0] * px[2]), px[0] * px[2] + py[0] * py[2]
                           - (px[0] * du + py[0] * dv) * (px[2] * du + py[2] * dv)))
        radius = sqrt(most_of(px[1] * px[1] + py[1] * py[1] - (px[1] * du + py[1] * dv) ** 2, 0.0))
        element = (self.frames[section, 0] + self.frames[section, 1] * (px[1] + tool[0])
                   + self.frames[section, 2] * (py[1] + tool[1])) / ds
        out[FLANK] += radius * angle * element
        out[ANGLE] += angle

    cdef void split_cell(self, int section, int cell, int this_pass, const int* kinds, double* out) noexcept nogil:
        """Integrate a cell that holds corners, piece by piece."""
        cdef double[MOST_BREAKS] at
        cdef double[POINTS] weight
        cdef int i, g, n = self.breaks_in(section, cell, this_pass, kinds, at)
        cdef double x, width
        cdef Ray ray
        cdef Hole hole
        for i in range(n):
            width = at[i + 1] - at[i]
            for g in range(GAUSS):
                x = at[i] + width * GAUSS_X[g]
                lagrange(x, weight)
                self.look(section, cell, x, weight, &ray)
                self.dig(section, this_pass, &ray, &hole)
                if hole.count:
                    self.tally(&ray, &hole, GAUSS_W[g] * width * self.step, out)
                if g == GAUSS // 2 and hole.outermost == this_pass:
                    self.contact(section, cell, this_pass, at[i], at[i + 1], out)

    cdef int only_tool(self, int section, int p) noexcept nogil:
        """The tool that alone shapes the hole of a section after a pass; -1 none, -2 several."""
        cdef int i, tool, found = -1
        for i in range(self.active[p, 0]):
            tool = self.active[p, 1 + i]
            if self.tools[tool, section, 7] != 0.0:
                if found >= 0:
                    return -2
                found = tool
        return found

    cdef bint floats(self, int section, int tool) noexcept nogil:
        """True if a tool lies free in this section's canal: one barrel far from its tip, no bone near."""
        cdef int i
        cdef const double* t = &self.tools[tool, section, 0]
        cdef double lean2 = t[2] * t[2] + t[3] * t[3], reach, away, x, y, centre2 = t[0] * t[0] + t[1] * t[1]
        if self.pieces[tool, 0, 3] != 0.0:
            return False
        reach = FREE * sqrt(self.pieces[tool, 0, 2] / (1.0 - lean2))
        away = sqrt(centre2) + reach
        if t[6] + reach * sqrt(lean2) > self.pieces[tool, 0, 1]:
            return False  # near the tip
        if self.frames[section, 3] < away * (fabs(self.frames[section, 4]) + fabs(self.frames[section, 5])):
            return False  # near the cut plane
        for i in range(self.n_rays):
            away = self.marrow[section, i + AHEAD]
            x = away * self.trig[i, 0, 0] - t[0]
            y = away * self.trig[i, 0, 1] - t[1]
            if not (x * x + y * y > reach * reach and away * away > centre2):
                return False  # near the bone, or not measured
        return True

    cdef void add_free(self, int section, int tool, double* out) noexcept nogil:
        """A hole that floats free: an ellipse, or, of a bowed tool, its like, summed round where the axis pierces.

        The radius is a smooth periodic function, close to a circle's: the plain sum over a few rays is exact.
        """
        cdef const double* t = &self.tools[tool, section, 0]
        cdef double radius, area = 0.0, x = 0.0, y = 0.0, angle, weight = PI / FREE_RAYS
        cdef double[TOOL] moved = [0.0, 0.0, t[2], t[3], t[4], t[5], t[6], t[7]]
        cdef const double* piece = &self.pieces[tool, 0, 0]
        cdef double low
        cdef int i, part, plane
        cdef Ray ray
        for i in range(FREE_RAYS):
            angle = i * 2.0 * weight
            ray.c, ray.s, ray.approach = cos(angle), sin(angle), -1
            ray.keep_low, ray.keep_high = 0.0, FAR
            tool_interval(moved, self.axis_of[tool], piece, 1, &ray, &low, &radius, &plane)
            area += weight * radius * radius
            x += weight * 2.0 / 3.0 * radius * radius * radius * ray.c
            y += weight * 2.0 / 3.0 * radius * radius * radius * ray.s
        for part in range(PARTS):
            out[3 * part] = area
            out[3 * part + 1] = x + area * t[0]
            out[3 * part + 2] = y + area * t[1]

    cdef void sample(self, int section, int cell, int g, int* kinds, double* cell_sum) noexcept nogil:
        """Look along one node's ray: the kind after every pass, and its part of the cell's sums."""
        cdef int p, i, width = GAUSS + 2
        cdef Ray ray
        cdef Hole hole
        self.look_at_node(section, cell, g, &ray)
        for p in range(self.n_passes):
            if kinds[p * width] == FLOATING:
                continue
            if p > 0 and self.unchanged(p):
                kinds[p * width + g] = kinds[(p - 1) * width + g]
                if 0 < g:
                    for i in range(3 * PARTS):
                        cell_sum[p * OUT + i] = cell_sum[(p - 1) * OUT + i]
                continue
            self.dig(section, p, &ray, &hole)
            kinds[p * width + g] = kind_of(&hole, &ray)
            if 0 < g < width - 1 and hole.count:
                self.tally(&ray, &hole, GAUSS_W[g - 1] * self.step, &cell_sum[p * OUT])

    cdef void one_section(self, int section, double* out, double* covered, int* kinds, double* cell_sum) noexcept nogil:
        """Add up all cells of one section, for all passes."""
        cdef int cell, g, p, i, tool, n_p = self.n_passes, width = GAUSS + 2
        cdef bint same, fresh = True, work = False
        for p in range(n_p):
            tool = self.only_tool(section, p)
            kinds[p * width] = FLOATING
            if tool == -1:
                continue
            if tool >= 0 and self.floats(section, tool):
                self.add_free(section, tool, &out[p * OUT])
                continue
            kinds[p * width] = 0
            work = True
        for cell in range(self.n_rays):
            if not self.measured(section, cell):
                fresh = True
                continue
            covered[0] += 1.0 / self.n_rays
            if not work:
                continue
            for i in range(n_p * OUT):
                cell_sum[i] = 0.0
            if fresh:
                self.sample(section, cell, 0, kinds, cell_sum)
            else:  # the last cell's end is this one's start
                for p in range(n_p):
                    if kinds[p * width] != FLOATING:
                        kinds[p * width] = kinds[p * width + width - 1]
            fresh = False
            for g in range(1, width):
                self.sample(section, cell, g, kinds, cell_sum)
            for p in range(n_p):
                if kinds[p * width] == FLOATING:
                    continue
                same = True
                for g in range(width - 1):
                    same = same and kinds[p * width + g] == kinds[p * width + g + 1]
                if same:
                    for i in range(3 * PARTS):
                        out[p * OUT + i] += cell_sum[p * OUT + i]
                    if kinds[p * width] >= 0 and kinds[p * width] // 512 == p:
                        self.contact(section, cell, p, 0.0, 1.0, &out[p * OUT])
                else:
                    self.split_cell(section, cell, p, &kinds[p * width], &out[p * OUT])

    cdef inline bint unchanged(self, int p) noexcept nogil:
        cdef int i
        if self.active[p, 0] != self.active[p - 1, 0]:
            return False
        for i in range(1 + self.active[p, 0]):
            if self.active[p, i] != self.active[p - 1, i]:
                return False
        return True

    def sweep(self, double[:, :, ::1] out, double[::1] covered, int[::1] kinds, double[::1] cell_sum,
              int first, int end):
        """Sum over the angle, for sections from first up to, not with, end, and after every pass.

        out : (n_sections, n_passes, 14), zeroed by the caller: cumulative area of the hole and its first moments
            along u and v, within marrow, canal, bone, and anywhere; then of this pass alone the flank (mm, with the
            volume element) and angle (rad) that lie in new bone.
        covered : (n_sections,), zeroed: share of the turn that is measured.
        kinds, cell_sum : work space, n_passes * 5 and n_passes * 14.
        """
        if out.shape[0] != self.n_sections or out.shape[1] != self.n_passes or out.shape[2] != OUT:
            raise ValueError("out must be (n_sections, n_passes, 14)")
        if covered.shape[0] != self.n_sections or kinds.shape[0] < self.n_passes * (GAUSS + 2):
            raise ValueError("work space is too small")
        if cell_sum.shape[0] < self.n_passes * OUT:
            raise ValueError("work space is too small")
        if first < 0 or end > self.n_sections:
            raise ValueError("there are no such sections")
        cdef int section
        with nogil:
            for section in range(first, end):
                self.one_section(section, &out[section, 0, 0], &covered[section], &kinds[0], &cell_sum[0])

    def edges(self, double[:, :, ::1] hole_edge, double[:, :, ::1] tool_edge):
        """Outer edge of the hole after every pass, and of every tool alone, on the rays themselves.

        Both (n_passes, n_sections, n_rays); 0 where the ray is not cut.
        """
        if not (hole_edge.shape[0] == tool_edge.shape[0] == self.n_passes
                and hole_edge.shape[1] == tool_edge.shape[1] == self.n_sections
                and hole_edge.shape[2] == tool_edge.shape[2] == self.n_rays):
            raise ValueError("edges must be (n_passes, n_sections, n_rays)")
        cdef int section, cell, p, plane
        cdef double low, high
        cdef Ray ray
        cdef Hole hole
        with nogil:
            for section in range(self.n_sections):
                for cell in range(self.n_rays):
                    self.look_at_node(section, cell, 0, &ray)
                    for p in range(self.n_passes):
                        self.dig(section, p, &ray, &hole)
                        hole_edge[p, section, cell] = hole.high[hole.count - 1] if hole.count else 0.0
                        tool_edge[p, section, cell] = 0.0
                        if self.active[p, 0] == 1 and self.active[p, 1] == p:
                            tool_edge[p, section, cell] = hole_edge[p, section, cell]
                        elif self.tools[p, section, 7] != 0.0 and tool_interval(
                                &self.tools[p, section, 0], self.axis_of[p], &self.pieces[p, 0, 0], self.n_pieces[p],
                                &ray, &low, &high, &plane):
                            tool_edge[p, section, cell] = high

    cdef inline double inner_edge(self, int section, int cell, double x, int after_pass) noexcept nogil:
        """Distance from O to the last of canal and hole along a ray; x may run past the cell by one."""
        cdef double[POINTS] weight
        cdef Ray ray
        cdef Hole hole
        lagrange(x, weight)
        self.look(section, cell, x, weight, &ray)
        if after_pass < 0:
            return ray.canal
        self.dig(section, after_pass, &ray, &hole)
        return most_of(ray.canal, hole.high[hole.count - 1] if hole.count else 0.0)

    cdef inline void point(self, int section, double at, int after_pass, bint outer, double* x,
                           double* y) noexcept nogil:
        """The inner edge (or the periosteum) at a place counted in rays, any turn."""
        cdef int n = self.n_rays, whole = <int> floor(at)
        cdef int cell = ((whole % n) + n) % n
        cdef double fraction = at - whole, radius
        cdef double[POINTS] weight
        if outer:
            lagrange(fraction, weight)
            radius = smooth(&self.bone[section, cell], fraction, weight)
        else:
            radius = self.inner_edge(section, cell, fraction, after_pass)
        x[0] = radius * cos(at * self.step)
        y[0] = radius * sin(at * self.step)

    cdef double nearest(self, int section, int after_pass, const double* lean, double* where) noexcept nogil:
        """Least distance from the inner edge to the periosteum in one section; NaN if nothing is measured.

        Every ray's point against the periosteum's points within an eighth of a turn, then a shrinking search
        between the rays round the closest pair. The distance is taken to the periosteum's tangent plane, so that
        a flaring bone is not measured too thick.
        """
        cdef int n = self.n_rays, stride = 1 + (n - 1) // 256, reach = n // 8, i, j, k, _k, best_i = -1, best_j = 0
        cdef double x, y, bx, by, edge, gap, best = FAR, width
        cdef double a, b, mid_a, mid_b
        cdef double[5] px, py, qx, qy
        i = -stride
        while i + stride < n:
            i += stride
            if not self.measured(section, i):
                continue
            edge = self.inner_edge(section, i, 0.0, after_pass)
            if edge >= self.bone[section, i + AHEAD]:
                where[0] = i * self.step
                return 0.0
            x = edge * self.trig[i, 0, 0]
            y = edge * self.trig[i, 0, 1]
            j = i - reach
            while j <= i + reach:
                k = j if 0 <= j < n else (j + n if j < 0 else j - n)
                bx = self.bone[section, k + AHEAD] * self.trig[k, 0, 0] - x
                by = self.bone[section, k + AHEAD] * self.trig[k, 0, 1] - y
                gap = bx * bx + by * by
                if gap < best:
                    best, best_i, best_j = gap, i, j
                j += stride
        if best_i < 0:
            return NAN
        mid_a, mid_b, width = best_i, best_j, stride
        for _k in range(SHRINKS):
            a, b = mid_a, mid_b
            for i in range(5):
                self.point(section, a + (i - 2) * 0.5 * width, after_pass, False, &px[i], &py[i])
                self.point(section, b + (i - 2) * 0.5 * width, after_pass, True, &qx[i], &qy[i])
            for i in range(5):
                for j in range(5):
                    gap = (px[i] - qx[j]) ** 2 + (py[i] - qy[j]) ** 2
                    if gap < best:
                        best = gap
                        mid_a, mid_b = a + (i - 2) * 0.5 * width, b + (j - 2) * 0.5 * width
            width *= 0.6
        where[0] = mid_a * self.step
        k = <int> floor(mid_b + 0.5)
        k = ((k % n) + n) % n
        if isnan(lean[k]):
            return sqrt(best)
        # cosine between the ray and the contour's normal, from the contour's own slope
        a = (self.bone[section, k + AHEAD + 1] - self.bone[section, k + AHEAD - 1]) / (2.0 * self.step)
        b = self.bone[section, k + AHEAD]
        gap = lean[k] * b / sqrt(b * b + a * a) if not isnan(a) else lean[k]
        return sqrt(best / (1.0 + gap * gap))

    def walls(self, const double[:, ::1] lean, double[:, ::1] least, double[:, ::1] theta, int first, int end):
        """Least wall before any tool (row 0) and after every pass (rows 1...), and its angle.

        Of sections from first up to, not with, end.

        lean : (n_sections, n_rays) change of the periosteal radius per mm of depth.
        least, theta : (n_passes + 1, n_sections).
        """
        if lean.shape[0] != self.n_sections or lean.shape[1] != self.n_rays:
            raise ValueError("lean must be (n_sections, n_rays)")
        if not (least.shape[0] == theta.shape[0] == self.n_passes + 1
                and least.shape[1] == theta.shape[1] == self.n_sections):
            raise ValueError("least and theta must be (n_passes + 1, n_sections)")
        if first < 0 or end > self.n_sections:
            raise ValueError("there are no such sections")
        cdef int section, p
        cdef double where
        with nogil:
            for section in range(first, end):
                for p in range(-1, self.n_passes):
                    if p >= 0 and (self.tools[p, section, 7] == 0.0 or p > 0 and self.unchanged(p)):
                        least[p + 1, section] = least[p, section]
                        theta[p + 1, section] = theta[p, section]
                        continue
                    where = NAN
                    least[p + 1, section] = self.nearest(section, p, &lean[section, 0], &where)
                    theta[p + 1, section] = where

    cdef void add_residual(self, const Ray* ray, Hole* hole, double weight, double* out) noexcept nogil:
        """One ray's part of what is left: bone minus (canal and hole)."""
        cdef double low, high, second, b = ray.bone, area, moment
        cdef int i
        out[0] += weight * 0.5 * ray.canal * ray.canal
        out[1] += weight * 0.5 * b * b
        add_interval(hole, 0.0, ray.canal, -1, 0)
        inside(hole, b, &area, &moment)
        out[2] += weight * area
        out[3] += weight * (0.5 * b * b - area)
        moment = b * b * b / 3.0 - moment
        out[4] += weight * moment * ray.c
        out[5] += weight * moment * ray.s
        second = b * b * b * b
        for i in range(hole.count):
            low, high = least_of(hole.low[i], b), least_of(hole.high[i], b)
            second -= high * high * high * high - low * low * low * low
        second *= 0.25 * weight
        out[6] += second * ray.s * ray.s
        out[7] += second * ray.c * ray.c
        out[8] += second * ray.c * ray.s

    def residual(self, int after_pass, double[:, ::1] out):
        """Areas and moments of what is left of every section after a pass, about the section's origin.

        out : (n_sections, 9), zeroed: area of the canal, of the bone, of canal and hole together within the bone; of
            the cortex left its area, x and y moment, and the integrals of y y, x x and x y. NaN: not all is measured.
        """
        if out.shape[0] != self.n_sections or out.shape[1] != 9 or not -1 <= after_pass < self.n_passes:
            raise ValueError("out must be (n_sections, 9), after_pass one of the passes")
        cdef int section, cell, g, i, n
        cdef int[GAUSS + 2] kinds
        cdef double[MOST_BREAKS] at
        cdef double[POINTS] weight
        cdef double x, width
        cdef Ray ray
        cdef Hole hole
        with nogil:
            for section in range(self.n_sections):
                for cell in range(self.n_rays):
                    if not self.measured(section, cell):
                        for i in range(9):
                            out[section, i] = NAN
                        break
                    for g in range(GAUSS + 2):
                        self.look_at_node(section, cell, g, &ray)
                        self.dig(section, after_pass, &ray, &hole)
                        kinds[g] = kind_of(&hole, &ray)
                    n = self.breaks_in(section, cell, after_pass, kinds, at)
                    for i in range(n):
                        width = at[i + 1] - at[i]
                        for g in range(GAUSS):
                            x = at[i] + width * GAUSS_X[g]
                            lagrange(x, weight)
                            self.look(section, cell, x, weight, &ray)
                            self.dig(section, after_pass, &ray, &hole)
                            self.add_residual(&ray, &hole, GAUSS_W[g] * width * self.step, &out[section, 0])
