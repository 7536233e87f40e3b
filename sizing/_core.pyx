"""Many tool sizes on many axes through one canal, fast: the kernels behind sliders and searches.

Contours are prepared once: points (x, y) of every section and h d/dtheta of them. For a tool axis that
pierces a section at c, running along d there (in-plane part a, b; cosine to the section's normal ds),

    q = (x, y) - c          rho^2 = q.q - (a qx + b qy)^2 / (1 - q.k)        (k = bow, 0 for a straight axis)
    J = qx y' - qy x'       dphi = ds J / rho^2                              (angle about the axis)

Both are smooth periodic sequences along the contour, so the plain sum over its points is a very exact
integral, and for every radius R at once

    area of the disc beyond the contour = 1/2 sum (R^2 - rho^2)+ J / rho^2       angle beyond = sum [rho < R] dphi

which holds for offset, tilted and not star-shaped sections alike (the angle is signed). Where rho passes R
between two points the integrand has a corner; its error in the sum is known in closed form
(Euler-Maclaurin: with D the change of rho^2 across the gap, p the product of R^2 - rho^2 at its ends,
p / 2D + D / 12 for the area and (sum of both) / 2D for the angle), and is taken off. That is what makes
128 points as good as thousands of chords.

Single precision inside a section, double precision across sections.
"""

from libc.math cimport INFINITY, NAN, cos, fabs, isnan, sin, sqrt

from sizing._extremes cimport least_of, most_of

cdef extern from "_contour_sums.h":
    ctypedef struct CanalfitPlaces:
        double* travel
        double* cx
        double* cy
        double* a
        double* b
        double* ds
    void canalfit_pierce(const double *frames, int m, int n, const double *pose, CanalfitPlaces *places) noexcept nogil
    void canalfit_displace(const float *x, const float *y, const float *cosine, const float *sine, const float *se,
                           const float *field, int n, float shared, float local, float *move, float *to_x,
                           float *to_y) noexcept nogil
    void canalfit_displace_change(const float *tx, const float *ty, const float *cosine, const float *sine,
                                  const float *move, int n, float *to_x, float *to_y) noexcept nogil
    void canalfit_distances(const float *x, const float *y, int n, float cx, float cy, float a, float b, float ku,
                            float kv, float *rho2, float *least, float *most) noexcept nogil
    ctypedef struct CanalfitContour:
        float least, most, sum_weight, sum_area, steep
        bint outside
    enum:
        CANALFIT_SUM_ROWS, CANALFIT_MOST_AT_ONCE, CANALFIT_BLOCK
    void canalfit_weights(const float *x, const float *y, const float *tx, const float *ty, int n, float cx, float cy,
                          float w0, float wu, float wv, const float *rho2, CanalfitContour *contour, int row,
                          float *rows) noexcept nogil
    void canalfit_discs(float *rows, int row, int n, const CanalfitContour *contour, const float *rr, int k,
                        float *beyond, float *angle) noexcept nogil
    void canalfit_collect(const float *beyond, const float *angle, const float *outside, const double *radius, int k,
                          double slab, double along, double *cortical, double *medullary, double *beyond_bone,
                          double *flank) noexcept nogil
    void canalfit_show(const float *beyond, const float *angle, const float *outside, int k, double share,
                       double *cortical, double *contact, double *beyond_bone) noexcept nogil

cdef enum:
    POSE = 10     # entry (3), direction (3), direction to the bow's centre (3), 1 / bow radius
    # P, s, u, v (3 each), w0, wu, wv, thickness of the level's slab (mm), measured share of the turn,
    # how much of the slab lies distal of the level (mm), the level's depth (mm)
    FRAME = 19
    SPARE = 16    # room behind the last point of a row: the first point again, and to the next cache line
    # Rows of the work space: squared distances of endosteum and periosteum; of a drawn contour x, y, change of x and
    # of y, and by how much it is displaced; then what discs are summed from, and the sizes' rows (see Discs).
    OUTER_RHO2 = 1
    DRAWN = 2
    DRAWN_CHANGE = 4
    DRAWN_MOVE = 6
    SUMS = 7
    SIZE_ROWS = 5
    # cortical, medullary, outside (mm3), flank (mm2), least wall (mm), its depth, depth of first contact,
    # then the wall outside the tool alone (mm, negative: breach), its depth; NaN = nothing looked at, or no contact
    TOTALS = 9
    CONTACT_DEPTH = 6
    MOST_BOW_STEPS = 12

cdef double PI = 3.141592653589793
cdef double LEAST_COSINE = 0.2      # more oblique than this, a tool crosses the canal
cdef double BOW_CONVERGED = 1e-9    # mm
cdef double FARTHEST = 500.0        # mm; points that are not measured are put twice as far out
cdef float FAR_AWAY = 3e38          # mm2: squared distance of a contour that was not looked at

cdef struct Place:
    double travel, cx, cy, a, b, ds, ku, kv


cdef struct Doubt:             # one draw of where the surfaces may really lie: endosteum, periosteum
    const float* rays          # (2, n) cosine and sine
    const float* se[2]         # (levels, n) standard error of the radius, mm
    const float* field[2]      # (levels, n) unit normal, smooth along the surface
    float shared[2]            # what all points have in common, in standard errors
    float local                # how much of the field


cdef struct Walls:
    double reach, native       # least distance of the periosteum to the axis; least wall before any tool
    int reach_level, native_level


cdef struct Discs:             # rows of sizes in the work space
    float* rr                  # radius squared
    float* beyond              # area beyond the endosteum, mm2
    float* angle               # angle beyond it
    float* outside             # area beyond the periosteum; NULL = no disc reaches it
    float* outside_room
    float* outside_angle


cdef inline void step_along(const double* pose, double t, double* c, double* d, double* k) noexcept nogil:
    """Point, direction and curvature of an axis after a travel."""
    cdef double bow = pose[9], angle = t * bow, si, co
    cdef int i
    if bow == 0.0:
        for i in range(3):
            c[i] = pose[i] + t * pose[3 + i]
            d[i] = pose[3 + i]
            k[i] = 0.0
        return
    si, co = sin(angle), cos(angle)
    for i in range(3):
        c[i] = pose[i] + (si * pose[3 + i] + (1.0 - co) * pose[6 + i]) / bow
        d[i] = co * pose[3 + i] + si * pose[6 + i]
        k[i] = (co * pose[6 + i] - si * pose[3 + i]) * bow


cdef inline double dot(const double* p, const double* q) noexcept nogil:
    return p[0] * q[0] + p[1] * q[1] + p[2] * q[2]


cdef inline bint pierce(const double* pose, const double* frame, int m, double guess, Place* place) noexcept nogil:
    """Where any axis passes through a section; False if it does not pass through it properly.

    frame : the section's first number; the next one lies m further on.
    """
    cdef double[3] c, d, k, gap
    cdef double[12] f
    cdef double miss, climb, t = guess
    cdef int i, _j
    for i in range(12):
        f[i] = frame[i * m]
    for _j in range(MOST_BOW_STEPS):
        step_along(pose, t, c, d, k)
        for i in range(3):
            gap[i] = f[i] - c[i]
        miss = dot(gap, &f[3])
        climb = dot(d, &f[3])
        if climb < LEAST_COSINE:
            return False
        t += miss / climb
        if pose[9] == 0.0 or fabs(miss) < BOW_CONVERGED:
            break
    step_along(pose, t, c, d, k)
    for i in range(3):
        gap[i] = c[i] - f[i]
    place.travel = t
    place.cx = dot(gap, &f[6])
    place.cy = dot(gap, &f[9])
    place.a = dot(d, &f[6])
    place.b = dot(d, &f[9])
    place.ds = dot(d, &f[3])
    place.ku = dot(k, &f[6])
    place.kv = dot(k, &f[9])
    return True


cdef inline double distance_of(double squared) noexcept nogil:
    cdef double distance = sqrt(squared)
    return distance if distance < FARTHEST else NAN


cdef inline int distinct_discs(const double* radius, Py_ssize_t q, float* rr, double* biggest) noexcept nogil:
    """Squares of radii that differ from the one before; NaN is none. Returns how many, and the greatest square."""
    cdef double last = 0.0, r
    cdef Py_ssize_t i
    cdef int n = 0
    biggest[0] = 0.0
    for i in range(q):
        r = radius[i]
        if isnan(r) or r == last:
            continue
        last = r
        rr[n] = <float> (r * r)
        biggest[0] = most_of(biggest[0], r * r)
        n += 1
    return n


cdef inline void hand_out(const double* radius, Py_ssize_t q, const Discs* discs, double* beyond, double* angle,
                          double* outside) noexcept nogil:
    """Give every stem its disc of those that ``distinct_discs`` found; NaN where there is none."""
    cdef double last = 0.0, area = NAN, turn = NAN, out = 0.0
    cdef Py_ssize_t i
    cdef int n = -1
    for i in range(q):
        if isnan(radius[i]):
            beyond[i] = angle[i] = outside[i] = NAN
            continue
        if radius[i] != last:
            last = radius[i]
            n += 1
            area, turn = discs.beyond[n], discs.angle[n]
            out = discs.outside[n] if discs.outside != NULL else 0.0
        beyond[i], angle[i], outside[i] = area, turn, out


cdef class Contours:
    """Prepared contours of a canal: arrays checked once, then only read.

    inner, outer : (m, 4, n) float32: x, y, h dx/dtheta, h dy/dtheta of endosteum and periosteum.
        An unmeasured point has its x, y filled in and zeros for the rest: it weighs nothing.
    frames : (19, m); a level of thickness 0 is left out.
    native : (m,) least wall of each level before any tool; NaN = not measured.
    innermost : (m,) no point of the periosteum lies nearer to the section's origin.
    """

    cdef readonly int n_levels, n_points
    cdef const float[:, :, ::1] inner, outer
    cdef const double[:, ::1] frames
    cdef const double[::1] native, innermost

    def __init__(self, const float[:, :, ::1] inner, const float[:, :, ::1] outer, const double[:, ::1] frames,
                 const double[::1] native, const double[::1] innermost):
        self.n_levels, self.n_points = inner.shape[0], inner.shape[2]
        if inner.shape[1] != 4 or outer.shape[0] != self.n_levels or outer.shape[1] != 4:
            raise ValueError("contours must be (levels, 4, points)")
        if outer.shape[2] != self.n_points or frames.shape[0] != FRAME or frames.shape[1] != self.n_levels:
            raise ValueError("outer must match inner, frames must be (19, levels)")
        if native.shape[0] != self.n_levels or innermost.shape[0] != self.n_levels:
            raise ValueError("native and innermost must be (levels,)")
        self.inner, self.outer, self.frames, self.native = inner, outer, frames, native
        self.innermost = innermost

    cdef bint place_at(self, const double* pose, int level, CanalfitPlaces* places, Place* place) noexcept nogil:
        """Where an axis passes through a level; to be asked of one level after the other, from the first.

        place is that of the last level that the axis passed through. False: it does not pass properly, or there is
        nothing to see.
        """
        cdef int i = level % CANALFIT_BLOCK, m = self.n_levels
        if pose[9] != 0.0:
            return self.frames[15, level] > 0.0 and pierce(pose, &self.frames[0, level], m, place.travel, place)
        if i == 0:
            canalfit_pierce(&self.frames[0, level], m, CANALFIT_BLOCK if level + CANALFIT_BLOCK <= m else m - level,
                            pose, places)
        if self.frames[15, level] <= 0.0 or places.ds[i] < LEAST_COSINE:
            return False
        place[0] = Place(places.travel[i], places.cx[i], places.cy[i], places.a[i], places.b[i], places.ds[i], 0.0, 0.0)
        return True

    cdef bint out_of_reach(self, int level, const Place* place, double distance) noexcept nogil:
        """Whether the periosteum surely keeps a distance from a straight axis: told without looking at its points.

        A point q of the section, seen from the axis, lies at least ds |q| from it; and |q| is at least the point's
        distance to the section's origin less that of the axis.
        """
        return place.ds * (self.innermost[level] - sqrt(place.cx * place.cx + place.cy * place.cy)) > distance

    cdef const float* points_of(self, int level, bint outer, const Doubt* doubt, float* work) noexcept nogil:
        """A contour's x and y: as prepared (rows of n), or displaced (rows of the work space)."""
        cdef int n = self.n_points, row = n + SPARE
        cdef const float* points = &self.outer[level, 0, 0] if outer else &self.inner[level, 0, 0]
        if doubt == NULL:
            return points
        canalfit_displace(points, points + n, doubt.rays, doubt.rays + n, doubt.se[outer] + n * level,
                          doubt.field[outer] + n * level, n, doubt.shared[outer], doubt.local, work + DRAWN_MOVE * row,
                          work + DRAWN * row, work + (DRAWN + 1) * row)
        return work + DRAWN * row

    cdef void look(self, int level, const Place* place, const Doubt* doubt, double matters, float* work,
                   CanalfitContour* contours) noexcept nogil:
        """Distances of both contours of a level to the axis; a drawn endosteum is left in its rows.

        A periosteum that surely keeps farther off a straight axis than matters is not looked at: it is far away.
        """
        contours[1].least = FAR_AWAY
        if matters == INFINITY or not self.out_of_reach(level, place, matters):
            self.measure(level, True, place, doubt, work, work + OUTER_RHO2 * (self.n_points + SPARE), contours + 1)
        self.measure(level, False, place, doubt, work, work, contours)

    cdef void measure(self, int level, bint outer, const Place* place, const Doubt* doubt, float* work, float* rho2,
                      CanalfitContour* contour) noexcept nogil:
        cdef const float* points = self.points_of(level, outer, doubt, work)
        cdef int step = self.n_points + SPARE if doubt != NULL else self.n_points
        canalfit_distances(points, points + step, self.n_points, <float> place.cx, <float> place.cy, <float> place.a,
                           <float> place.b, <float> place.ku, <float> place.kv, rho2, &contour.least, &contour.most)

    cdef Discs discs_in(self, float* work, int n_radii) noexcept nogil:
        cdef float* rows = work + (SUMS + CANALFIT_SUM_ROWS) * (self.n_points + SPARE)
        cdef int row = n_radii + CANALFIT_MOST_AT_ONCE
        return Discs(rows, rows + row, rows + 2 * row, NULL, rows + 3 * row, rows + 4 * row)

    cdef void discs(self, int level, bint outer, const Place* place, const Doubt* doubt, CanalfitContour* contour,
                    const float* rr, int n_radii, float* work, float* beyond, float* angle) noexcept nogil:
        """Area and angle of discs beyond one contour of the level that was looked at last."""
        cdef int n = self.n_points, row = n + SPARE, step = n
        cdef const float* points = &self.outer[level, 0, 0] if outer else &self.inner[level, 0, 0]
        cdef const float* change = points + 2 * n
        cdef float* rows = work + SUMS * row
        if doubt != NULL:
            points = self.points_of(level, True, doubt, work) if outer else work + DRAWN * row
            canalfit_displace_change(change, change + n, doubt.rays, doubt.rays + n, work + DRAWN_MOVE * row, n,
                                     work + DRAWN_CHANGE * row, work + (DRAWN_CHANGE + 1) * row)
            change, step = work + DRAWN_CHANGE * row, row
        canalfit_weights(points, points + step, change, change + step, n, <float> place.cx, <float> place.cy,
                         <float> self.frames[12, level], <float> self.frames[13, level], <float> self.frames[14, level],
                         work + OUTER_RHO2 * row if outer else work, contour, row, rows)
        contour.steep = <float> place.ds
        contour.outside = place.ds * contour.sum_weight < PI * self.frames[16, level]
        canalfit_discs(rows, row, n, contour, rr, n_radii, beyond, angle)

    cdef void tell(self, int level, const Place* place, const CanalfitContour* contours,
                   double* nearest) noexcept nogil:
        """Where the axis passes through a level, and how near both contours come; no place = it does not."""
        cdef int m = self.n_levels
        nearest[level] = nearest[m + level] = nearest[2 * m + level] = NAN
        if place != NULL:
            nearest[level] = place.travel
            nearest[m + level], nearest[2 * m + level] = distance_of(contours[0].least), distance_of(contours[1].least)

    cdef void begin_level(self, int level, int n_radii, double value, double* by_level) noexcept nogil:
        cdef int i, j
        for i in range(3):
            for j in range(n_radii):
                by_level[(i * self.n_levels + level) * n_radii + j] = value

    cdef double wall_at(self, const double* pose, int level, double depth, float* work) noexcept nogil:
        """Distance of the periosteum of one level to a straight axis; infinite where the tool does not come."""
        cdef CanalfitContour contour
        cdef Place place
        if self.frames[15, level] <= 0.0 or not pierce(pose, &self.frames[0, level], self.n_levels, 0.0, &place):
            return INFINITY
        if place.travel > depth:
            return INFINITY
        self.measure(level, True, &place, NULL, work, work + OUTER_RHO2 * (self.n_points + SPARE), &contour)
        return sqrt(contour.least)

    cdef int one_pose(self, const double* pose, const double* radius, int n_radii, double depth,
                      const Doubt* doubt, float* work, double* totals, double* by_level,
                      double* nearest, int* thinnest) noexcept nogil:
        """All sizes on one axis; how many levels were seen. by_level and nearest (see evaluate) may be NULL, both.

        thinnest : NULL = look at every contour. Else a level at which the wall may well be least, such as an axis
        nearby has it; this axis's own is left there. What is surely farther off than that, and than any tool reaches,
        is not looked at.
        """
        cdef int level, j, first, n, untouched = n_radii, n_seen = 0
        cdef bint seen, skips = thinnest != NULL and pose[9] == 0.0  # a bow may bring points nearer than that
        cdef double* sums
        cdef Discs discs = self.discs_in(work, n_radii)
        cdef double biggest, slab, rho_in, rho_out, along, disc = 0.0, near = INFINITY, widest = radius[n_radii - 1]
        cdef Walls walls = Walls(INFINITY, INFINITY, -1, -1)
        cdef CanalfitContour[2] contours
        cdef CanalfitPlaces places
        cdef Place place
        place.travel = 0.0
        for j in range(n_radii):
            discs.rr[j] = <float> (radius[j] * radius[j])
        biggest = discs.rr[n_radii - 1]
        for j in range(n_radii * TOTALS):
            totals[j] = NAN if j >= n_radii * CONTACT_DEPTH else 0.0
        if skips:
            near = self.wall_at(pose, thinnest[0], depth, work)
        for level in range(self.n_levels):
            seen = self.place_at(pose, level, &places, &place)
            if seen:
                self.look(level, &place, doubt, most_of(near, widest) if skips else INFINITY, work, contours)
            if by_level != NULL:
                self.tell(level, &place if seen else NULL, contours, nearest)
                self.begin_level(level, n_radii, 0.0 if seen else NAN, by_level)
            if not seen:
                continue
            n_seen += 1
            rho_in, rho_out = sqrt(contours[0].least), sqrt(contours[1].least)
            # the part of this level's slab that the tool reaches, along the canal
            along = self.frames[15, level]
            slab = least_of(most_of((depth - place.travel) * place.ds + self.frames[17, level], 0.0), along)
            if slab <= 0.0 and by_level == NULL:
                break
            disc += slab * PI / place.ds * self.frames[16, level] * (
                self.frames[12, level] + self.frames[13, level] * place.cx + self.frames[14, level] * place.cy)
            if contours[0].least < biggest:
                first = 0  # sizes grow: those before touch nothing here
                while discs.rr[first] <= contours[0].least:
                    first += 1
                n = n_radii - first
                self.one_level(level, &place, doubt, contours, first, n, biggest, work, &discs)
                sums = totals + first
                canalfit_collect(discs.beyond, discs.angle, discs.outside, radius + first, n, slab, slab / place.ds,
                                 sums, sums + n_radii, sums + 2 * n_radii, sums + 3 * n_radii)
                if by_level != NULL:
                    sums = by_level + level * n_radii + first
                    canalfit_show(discs.beyond, discs.angle, discs.outside, n,
                                  1.0 / (2.0 * PI * self.frames[16, level]), sums, sums + self.n_levels * n_radii,
                                  sums + 2 * self.n_levels * n_radii)
            if place.travel > depth:
                continue
            if rho_out < walls.reach:
                walls.reach, walls.reach_level = rho_out, level
                near = least_of(near, rho_out)
            if self.native[level] < walls.native:
                walls.native, walls.native_level = self.native[level], level
            while untouched > 0 and radius[untouched - 1] > rho_in:
                untouched -= 1
                totals[CONTACT_DEPTH * n_radii + untouched] = self.frames[18, level]
        if skips and walls.reach_level >= 0:
            thinnest[0] = walls.reach_level
        self.finish(radius, n_radii, disc, &walls, totals)
        return n_seen

    cdef void finish(self, const double* radius, int n_radii, double disc, const Walls* walls,
                     double* totals) noexcept nogil:
        """What is known only after the last level: medullary volumes (disc = of radius 1, canal and all) and walls."""
        cdef int j
        if walls.reach_level < 0:  # nothing was looked at, which is not zero
            for j in range(n_radii * TOTALS):
                totals[j] = NAN
            return
        cdef double left, reach_depth = self.frames[18, walls.reach_level]
        for j in range(n_radii):
            left = walls.reach - radius[j]
            totals[n_radii + j] += disc * radius[j] * radius[j]
            # the tool's own wall or the thinnest native one, whichever is less: exact for their union
            totals[4 * n_radii + j] = least_of(walls.native, most_of(left, 0.0))
            totals[5 * n_radii + j] = reach_depth if left <= walls.native else self.frames[18, walls.native_level]
            totals[7 * n_radii + j] = left
            totals[8 * n_radii + j] = reach_depth

    cdef void one_level(self, int level, const Place* place, const Doubt* doubt, CanalfitContour* contours,
                        int first, int n_radii, double biggest, float* work, Discs* discs) noexcept nogil:
        """Discs beyond the canal and beyond the bone at one level, for n_radii sizes from the first that counts.

        biggest : the largest radius, squared.
        """
        self.discs(level, False, place, doubt, contours, discs.rr + first, n_radii, work, discs.beyond, discs.angle)
        discs.outside = NULL
        if contours[1].least < biggest:
            discs.outside = discs.outside_room
            self.discs(level, True, place, doubt, contours + 1, discs.rr + first, n_radii, work, discs.outside,
                       discs.outside_angle)

    def evaluate(self, const double[::1] pose, const double[::1] radius, double depth, float[::1] work,
                 double[:, ::1] totals, double[:, :, ::1] by_level, double[:, ::1] nearest):
        """One axis, every size, with every level's numbers; how many levels the axis passes through properly.

        totals : (9, radii).  by_level : (3, levels, radii) cortical area beyond the canal, contact share, area outside.
        nearest : (3, levels) travel, least distance of the endosteum and of the periosteum to the axis.
        All NaN where a level is not seen.
        """
        cdef int n_seen
        self.check(pose.shape[0], radius, work)
        if totals.shape[0] != TOTALS or totals.shape[1] != radius.shape[0]:
            raise ValueError("totals must be (9, radii)")
        if by_level.shape[0] != 3 or by_level.shape[1] != self.n_levels or by_level.shape[2] != radius.shape[0]:
            raise ValueError("by_level must be (3, levels, radii)")
        if nearest.shape[0] != 3 or nearest.shape[1] != self.n_levels:
            raise ValueError("nearest must be (3, levels)")
        with nogil:
            n_seen = self.one_pose(&pose[0], &radius[0], <int> radius.shape[0], depth, NULL, &work[0],
                                   &totals[0, 0], &by_level[0, 0, 0], &nearest[0, 0], NULL)
        return n_seen

    def evaluate_many(self, const double[:, ::1] poses, const double[::1] radius, const double[::1] depth,
                      float[::1] work, double[:, :, ::1] totals):
        """Many axes, every size: totals (poses, 9, radii). depth : one per pose."""
        self.check(poses.shape[1], radius, work)
        if totals.shape[0] != poses.shape[0] or totals.shape[1] != TOTALS or totals.shape[2] != radius.shape[0]:
            raise ValueError("totals must be (poses, 9, radii)")
        if depth.shape[0] != poses.shape[0]:
            raise ValueError("depth must be (poses,)")
        cdef Py_ssize_t i
        cdef int thinnest = 0
        with nogil:
            for i in range(poses.shape[0]):
                self.one_pose(&poses[i, 0], &radius[0], <int> radius.shape[0], depth[i], NULL, &work[0],
                              &totals[i, 0, 0], NULL, NULL, &thinnest)

    def astray(self, const double[:, ::1] poses, const double[::1] radius, const double[::1] depth,
               const double[::1] oversize, const float[:, ::1] rays, const float[:, :, ::1] se,
               const float[:, :, ::1] fields, const float[:, ::1] shared, float local, float[::1] work,
               double[::1] drawn, double[:, :, ::1] totals):
        """As evaluate_many, with every tool's radius and both surfaces drawn anew for each pose.

        oversize : (poses,) added to every radius.  rays : (2, n).  se : (2, levels, n) of endosteum and periosteum.
        fields : (f, levels, n); pose i takes fields i and i + 1 (mod f).  shared : (poses, 2), in standard errors.
        drawn : (radii,) work space.
        """
        self.check(poses.shape[1], radius, work)
        cdef Py_ssize_t q = poses.shape[0], k = radius.shape[0], f = fields.shape[0]
        cdef Py_ssize_t n = self.n_points, m = self.n_levels
        if totals.shape[0] != q or totals.shape[1] != TOTALS or totals.shape[2] != k or drawn.shape[0] != k:
            raise ValueError("totals must be (poses, 9, radii), drawn one per radius")
        if depth.shape[0] != q or oversize.shape[0] != q or shared.shape[0] != q or shared.shape[1] != 2:
            raise ValueError("depth, oversize and shared must be one per pose")
        if rays.shape[0] != 2 or rays.shape[1] != n or se.shape[0] != 2 or se.shape[1] != m or se.shape[2] != n:
            raise ValueError("rays must be (2, n), se (2, levels, n)")
        if f < 1 or fields.shape[1] != m or fields.shape[2] != n:
            raise ValueError("fields must be (f, levels, n)")
        cdef Py_ssize_t i, j
        cdef Doubt doubt
        with nogil:
            doubt.rays = &rays[0, 0]
            doubt.se[0], doubt.se[1], doubt.local = &se[0, 0, 0], &se[1, 0, 0], local
            for i in range(q):
                doubt.field[0], doubt.field[1] = &fields[i % f, 0, 0], &fields[(i + 1) % f, 0, 0]
                doubt.shared[0], doubt.shared[1] = shared[i, 0], shared[i, 1]
                for j in range(k):
                    drawn[j] = radius[j] + oversize[i]
                self.one_pose(&poses[i, 0], &drawn[0], <int> k, depth[i], &doubt, &work[0], &totals[i, 0, 0], NULL,
                              NULL, NULL)

    def profiles(self, const double[::1] pose, const double[:, ::1] radius, float[::1] work,
                 double[:, :, ::1] out, double[:, ::1] nearest):
        """Discs whose radius changes from level to level: stems.

        radius : (levels, q), NaN = not there.  out : (3, levels, q) area beyond the canal, angle beyond it, area
        beyond the bone; NaN where there is no disc or nothing is measured.  nearest : as in evaluate.
        A stem of the radius of the one before it at a level costs nothing: sort by diameter.
        """
        cdef Py_ssize_t q = radius.shape[1]
        if pose.shape[0] != POSE or work.shape[0] < self.room_for(q):
            raise ValueError("a pose has 10 numbers; work has room_for the stems")
        if radius.shape[0] != self.n_levels or out.shape[0] != 3 or out.shape[1] != self.n_levels or out.shape[2] != q:
            raise ValueError("radius must be (levels, q), out (3, levels, q)")
        if nearest.shape[0] != 3 or nearest.shape[1] != self.n_levels:
            raise ValueError("nearest must be (3, levels)")
        cdef int level, n_distinct
        cdef double biggest
        cdef Discs discs
        cdef CanalfitContour[2] contours
        cdef CanalfitPlaces places
        cdef Place place
        place.travel = 0.0
        with nogil:
            discs = self.discs_in(&work[0], <int> q)
            for level in range(self.n_levels):
                if not self.place_at(&pose[0], level, &places, &place):
                    self.tell(level, NULL, contours, &nearest[0, 0])
                    self.begin_level(level, <int> q, NAN, &out[0, 0, 0])
                    continue
                self.look(level, &place, NULL, INFINITY, &work[0], contours)
                self.tell(level, &place, contours, &nearest[0, 0])
                n_distinct = distinct_discs(&radius[level, 0], q, discs.rr, &biggest)
                if n_distinct == 0:
                    self.begin_level(level, <int> q, NAN, &out[0, 0, 0])
                    continue
                self.one_level(level, &place, NULL, contours, 0, n_distinct, biggest, &work[0], &discs)
                hand_out(&radius[level, 0], q, &discs, &out[0, level, 0], &out[1, level, 0], &out[2, level, 0])

    cpdef Py_ssize_t room_for(self, Py_ssize_t radii) noexcept:
        """How many floats the kernels' work space takes."""
        return (SUMS + CANALFIT_SUM_ROWS) * (self.n_points + SPARE) + SIZE_ROWS * (radii + CANALFIT_MOST_AT_ONCE)

    cdef int check(self, Py_ssize_t pose_length, const double[::1] radius, float[::1] work) except -1:
        cdef Py_ssize_t j
        if pose_length != POSE or radius.shape[0] < 1:
            raise ValueError("a pose has 10 numbers, and there must be a radius")
        for j in range(1, radius.shape[0]):
            if radius[j] <= radius[j - 1]:
                raise ValueError("radii must increase")
        if work.shape[0] < self.room_for(radius.shape[0]):
            raise ValueError("work space is too small")
        return 0
