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

cdef extern from *:
    """
    /* One object file for old and new processors: the loader picks the version (GCC on x86-64 Linux). */
    #if defined(__x86_64__) && defined(__ELF__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12
    #define CANALFIT_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
    #else
    #define CANALFIT_CLONES
    #endif
    /* Points are always finite (unmeasured ones lie out of reach), and only then does a least value vectorise. */
    #if defined(__GNUC__) && !defined(__clang__)
    #define CANALFIT_FINITE __attribute__((optimize("finite-math-only")))
    #else
    #define CANALFIT_FINITE
    #endif
    #if defined(_MSC_VER)
    #define CANALFIT_ALONE __restrict
    #else
    #define CANALFIT_ALONE __restrict__
    #endif
    typedef const float *CANALFIT_ALONE canalfit_in;
    typedef float *CANALFIT_ALONE canalfit_out;

    /* A contour displaced along its rays by se * (common * shared + local * field). */
    CANALFIT_CLONES
    static void canalfit_displace(canalfit_in x, canalfit_in y, canalfit_in cosine, canalfit_in sine, canalfit_in se,
                                  canalfit_in field, int n, float shared, float local, canalfit_out to_x,
                                  canalfit_out to_y)
    {
        for (int i = 0; i < n; i++) {
            float move = se[i] * (shared + local * field[i]);
            to_x[i] = x[i] + move * cosine[i];
            to_y[i] = y[i] + move * sine[i];
        }
    }

    /* And its change from point to point: h (move' ray + move d ray/dtheta) is added, move' by central differences.
       An unmeasured point (no change at all) keeps none. */
    CANALFIT_CLONES
    static void canalfit_displace_change(canalfit_in tx, canalfit_in ty, canalfit_in cosine, canalfit_in sine,
                                         canalfit_in se, canalfit_in field, int n, float shared, float local,
                                         canalfit_out to_x, canalfit_out to_y)
    {
        float h = 6.2831853f / (float) n;
        for (int i = 0; i < n; i++) {
            int before = i > 0 ? i - 1 : n - 1, after = i < n - 1 ? i + 1 : 0;
            float known = (float) (tx[i] != 0.0f || ty[i] != 0.0f);
            float move = known * h * se[i] * (shared + local * field[i]);
            float grow = known * 0.5f * (se[after] * (shared + local * field[after])
                                         - se[before] * (shared + local * field[before]));
            to_x[i] = tx[i] + grow * cosine[i] - move * sine[i];
            to_y[i] = ty[i] + grow * sine[i] + move * cosine[i];
        }
    }

    /* Squared distances of one contour's points to the axis; returns the least and the greatest. */
    CANALFIT_CLONES CANALFIT_FINITE
    static void canalfit_distances(canalfit_in x, canalfit_in y, int n, float cx, float cy, float a, float b,
                                   float ku, float kv, canalfit_out rho2, float *least, float *most)
    {
        float lo = 3e38f, hi = 0.0f;
        if (ku == 0.0f && kv == 0.0f) {
            for (int i = 0; i < n; i++) {
                float qx = x[i] - cx, qy = y[i] - cy, along = a * qx + b * qy;
                float r = qx * qx + qy * qy - along * along;
                rho2[i] = r;
                lo = r < lo ? r : lo;
                hi = r > hi ? r : hi;
            }
        } else {
            for (int i = 0; i < n; i++) {
                float qx = x[i] - cx, qy = y[i] - cy, along = a * qx + b * qy;
                float r = qx * qx + qy * qy - along * along / (1.0f - ku * qx - kv * qy);
                rho2[i] = r;
                lo = r < lo ? r : lo;
                hi = r > hi ? r : hi;
            }
        }
        *least = lo;
        *most = hi;
    }

    /* J / rho^2 per point, weighted with the volume element; and the parts of every gap's correction.
       rho2[n] must repeat rho2[0]. Returns the sums of weight and of weight * rho^2. */
    CANALFIT_CLONES
    static void canalfit_weights(canalfit_in x, canalfit_in y, canalfit_in tx, canalfit_in ty, int n, float cx,
                                 float cy, float w0, float wu, float wv, canalfit_in rho2, canalfit_out weight,
                                 canalfit_out slant, canalfit_out bend, float *sum_weight, float *sum_area)
    {
        float sw = 0.0f, sa = 0.0f;
        for (int i = 0; i < n; i++) {
            float qx = x[i] - cx, qy = y[i] - cy;
            float w = (qx * ty[i] - qy * tx[i]) * (w0 + wu * x[i] + wv * y[i]) / (rho2[i] + 1e-12f);
            weight[i] = w;
            sw += w;
            sa += w * rho2[i];
        }
        weight[n] = weight[0];
        for (int i = 0; i < n; i++) {
            float mean = 0.5f * (weight[i] + weight[i + 1]), d = rho2[i] - rho2[i + 1];
            d = d < 0.0f ? -d : d;
            mean *= (float) (d < 1e5f);  /* a gap to an unmeasured point, out of reach, is no corner */
            slant[i] = 0.5f * mean / (d + 1e-12f);
            bend[i] = mean * d * (1.0f / 12.0f);
        }
        *sum_weight = sw;
        *sum_area = sa;
    }

    /* Area (twice) and angle of a disc of squared radius rr beyond the contour. */
    CANALFIT_CLONES
    static void canalfit_disc(canalfit_in rho2, canalfit_in weight, canalfit_in slant, canalfit_in bend, int n,
                              float rr, float *area2, float *angle)
    {
        float area = 0.0f, turn = 0.0f;
        for (int i = 0; i < n; i++) {
            float here = rr - rho2[i], next = rr - rho2[i + 1], p = here * next;
            float w = weight[i], s = slant[i], k = bend[i];
            float inside = (float) (here > 0.0f), corner = (float) (p < 0.0f);  /* no branch: this must vectorise */
            area += inside * here * w + corner * (p * s + k);
            turn += inside * w + corner * (here + next) * s;
        }
        *area2 = area;
        *angle = turn;
    }
    """
    void canalfit_displace(const float *x, const float *y, const float *cosine, const float *sine, const float *se,
                           const float *field, int n, float shared, float local, float *to_x,
                           float *to_y) noexcept nogil
    void canalfit_displace_change(const float *tx, const float *ty, const float *cosine, const float *sine,
                                  const float *se, const float *field, int n, float shared, float local, float *to_x,
                                  float *to_y) noexcept nogil
    void canalfit_distances(const float *x, const float *y, int n, float cx, float cy, float a, float b, float ku,
                            float kv, float *rho2, float *least, float *most) noexcept nogil
    void canalfit_weights(const float *x, const float *y, const float *tx, const float *ty, int n, float cx, float cy,
                          float w0, float wu, float wv, const float *rho2, float *weight, float *slant, float *bend,
                          float *sum_weight, float *sum_area) noexcept nogil
    void canalfit_disc(const float *rho2, const float *weight, const float *slant, const float *bend, int n, float rr,
                       float *area2, float *angle) noexcept nogil

cdef enum:
    POSE = 10     # entry (3), direction (3), direction to the bow's centre (3), 1 / bow radius
    # P, s, u, v (3 each), w0, wu, wv, thickness of the level's slab (mm), measured share of the turn,
    # how much of the slab lies distal of the level (mm)
    FRAME = 18
    ROWS = 9      # of the work space
    # cortical, medullary, outside (mm3), flank (mm2), least wall (mm), its level, first contact,
    # then the wall outside the tool alone (mm, negative: breach), its level
    TOTALS = 9
    CONTACT_LEVEL = 6
    MOST_BOW_STEPS = 12

cdef double PI = 3.141592653589793
cdef double LEAST_COSINE = 0.2      # more oblique than this, a tool crosses the canal
cdef double BOW_CONVERGED = 1e-9    # mm

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


cdef inline bint pierce(const double* pose, const double* frame, double guess, Place* place) noexcept nogil:
    """Where an axis passes through a section; False if it does not pass through it properly."""
    cdef double[3] c, d, k, gap
    cdef double miss, climb, t = guess
    cdef int i, _j
    for _j in range(MOST_BOW_STEPS):
        step_along(pose, t, c, d, k)
        for i in range(3):
            gap[i] = frame[i] - c[i]
        miss = dot(gap, &frame[3])
        climb = dot(d, &frame[3])
        if climb < LEAST_COSINE:
            return False
        t += miss / climb
        if pose[9] == 0.0 or fabs(miss) < BOW_CONVERGED:
            break
    step_along(pose, t, c, d, k)
    for i in range(3):
        gap[i] = c[i] - frame[i]
    place.travel = t
    place.cx = dot(gap, &frame[6])
    place.cy = dot(gap, &frame[9])
    place.a = dot(d, &frame[6])
    place.b = dot(d, &frame[9])
    place.ds = dot(d, &frame[3])
    place.ku = dot(k, &frame[6])
    place.kv = dot(k, &frame[9])
    return True


cdef class Contours:
    """Prepared contours of a canal: arrays checked once, then only read.

    inner, outer : (m, 4, n) float32: x, y, h dx/dtheta, h dy/dtheta of endosteum and periosteum.
        An unmeasured point has its x, y filled in and zeros for the rest: it weighs nothing.
    frames : (m, 18); a level of thickness 0 is left out.
    native : (m,) least wall of each level before any tool; NaN = not measured.
    """

    cdef readonly int n_levels, n_points
    cdef const float[:, :, ::1] inner, outer
    cdef const double[:, ::1] frames
    cdef const double[::1] native

    def __init__(self, const float[:, :, ::1] inner, const float[:, :, ::1] outer, const double[:, ::1] frames,
                 const double[::1] native):
        self.n_levels, self.n_points = inner.shape[0], inner.shape[2]
        if inner.shape[1] != 4 or outer.shape[0] != self.n_levels or outer.shape[1] != 4:
            raise ValueError("contours must be (levels, 4, points)")
        if outer.shape[2] != self.n_points or frames.shape[0] != self.n_levels or frames.shape[1] != FRAME:
            raise ValueError("outer must match inner, frames must be (levels, 18)")
        if native.shape[0] != self.n_levels:
            raise ValueError("native must be (levels,)")
        self.inner, self.outer, self.frames, self.native = inner, outer, frames, native

    cdef const float* points_of(self, int level, bint outer, const Doubt* doubt, float* work) noexcept nogil:
        """A contour's x and y: as prepared (rows of n), or displaced into rows 5 and 6 of the work space."""
        cdef int n = self.n_points, row = n + 16
        cdef const float* points = &self.outer[level, 0, 0] if outer else &self.inner[level, 0, 0]
        if doubt == NULL:
            return points
        canalfit_displace(points, points + n, doubt.rays, doubt.rays + n, doubt.se[outer] + n * level,
                          doubt.field[outer] + n * level, n, doubt.shared[outer], doubt.local, work + 5 * row,
                          work + 6 * row)
        return work + 5 * row

    cdef bint look(self, const double* pose, int level, double guess, const Doubt* doubt, float* work, Place* place,
                   float* bounds) noexcept nogil:
        """Distances of both contours of a level to the axis. work holds 9 rows of n + 16."""
        cdef int n = self.n_points, row = n + 16
        cdef const float* points
        if not pierce(pose, &self.frames[level, 0], guess, place):
            return False
        cdef float cx = <float> place.cx, cy = <float> place.cy, a = <float> place.a, b = <float> place.b
        cdef float ku = <float> place.ku, kv = <float> place.kv
        points = self.points_of(level, True, doubt, work)
        canalfit_distances(points, points + (row if doubt != NULL else n), n, cx, cy, a, b, ku, kv, work + 4 * row,
                           &bounds[2], &bounds[3])
        points = self.points_of(level, False, doubt, work)
        canalfit_distances(points, points + (row if doubt != NULL else n), n, cx, cy, a, b, ku, kv, work,
                           &bounds[0], &bounds[1])
        return True

    cdef void weigh(self, int level, bint outer, const Place* place, const Doubt* doubt, float* work,
                    float* sums) noexcept nogil:
        """Weights of one contour of the level that was looked at last; rows of work: rho2, weight, slant, bend."""
        cdef int n = self.n_points, row = n + 16, step = n
        cdef const float* change = (&self.outer[level, 0, 0] if outer else &self.inner[level, 0, 0]) + 2 * n
        cdef const float* points = self.points_of(level, outer, doubt, work)
        cdef const double* frame = &self.frames[level, 0]
        cdef int i
        if doubt != NULL:
            canalfit_displace_change(change, change + n, doubt.rays, doubt.rays + n, doubt.se[outer] + n * level,
                                     doubt.field[outer] + n * level, n, doubt.shared[outer], doubt.local,
                                     work + 7 * row, work + 8 * row)
            change, step = work + 7 * row, row
        if outer:
            for i in range(n):
                work[i] = work[4 * row + i]
        work[n] = work[0]
        canalfit_weights(points, points + step, change, change + step, n, <float> place.cx, <float> place.cy,
                         <float> frame[12], <float> frame[13], <float> frame[14], work, work + row, work + 2 * row,
                         work + 3 * row, &sums[0], &sums[1])

    cdef void discs(self, const Place* place, const float* work, const float* sums, float least, float most,
                    const double* radius, int n_radii, double* beyond, double* angle) noexcept nogil:
        """Area and angle of discs beyond the contour that was weighed last."""
        cdef int n = self.n_points, row = n + 16, j
        cdef float area2, turn, rr
        for j in range(n_radii):
            rr = <float> (radius[j] * radius[j])
            if rr <= least:
                beyond[j], angle[j] = 0.0, 0.0
            elif rr >= most:
                beyond[j] = 0.5 * (radius[j] * radius[j] * sums[0] - sums[1])
                angle[j] = place.ds * sums[0]
            else:
                canalfit_disc(work, work + row, work + 2 * row, work + 3 * row, n, rr, &area2, &turn)
                beyond[j] = 0.5 * area2
                angle[j] = place.ds * turn

    cdef void one_pose(self, const double* pose, const double* radius, int n_radii, double depth,
                       const Doubt* doubt, float* work, double* rows, double* totals, double* by_level,
                       double* nearest) noexcept nogil:
        """All sizes on one axis. by_level (levels, radii, 3) and nearest (levels, 3) may be NULL."""
        cdef int level, j, first, n, untouched = n_radii
        cdef double* beyond
        cdef double* angle
        cdef double* outside
        cdef double* sums
        cdef double biggest = radius[n_radii - 1] * radius[n_radii - 1], slab, rho_in, rho_out, disc = 0.0
        cdef Walls walls = Walls(INFINITY, INFINITY, -1, -1)
        cdef float[4] bounds
        cdef const double* frame
        cdef Place place
        place.travel = 0.0
        for j in range(n_radii * TOTALS):
            totals[j] = -1.0 if j >= n_radii * CONTACT_LEVEL else 0.0
        for level in range(self.n_levels):
            frame = &self.frames[level, 0]
            if frame[15] <= 0.0:
                continue
            if not self.look(pose, level, place.travel, doubt, work, &place, bounds):
                continue
            rho_in, rho_out = sqrt(bounds[0]), sqrt(bounds[2])
            if nearest != NULL:
                nearest[3 * level], nearest[3 * level + 1], nearest[3 * level + 2] = place.travel, rho_in, rho_out
            # the part of this level's slab that the tool reaches, along the canal
            slab = least_of(most_of((depth - place.travel) * place.ds + frame[17], 0.0), frame[15])
            if slab <= 0.0 and by_level == NULL:
                break
            disc += slab * PI / place.ds * (frame[12] + frame[13] * place.cx + frame[14] * place.cy) * frame[16]
            if by_level != NULL:
                for j in range(3 * n_radii):
                    by_level[3 * level * n_radii + j] = 0.0
            if bounds[0] < biggest:
                first = 0  # sizes grow: those before touch nothing here
                while radius[first] <= rho_in:
                    first += 1
                n = n_radii - first
                self.one_level(level, &place, doubt, bounds, radius + first, n, biggest, work, rows)
                beyond, angle, outside = rows, rows + n, rows + 2 * n
                for j in range(n):
                    sums = totals + first + j
                    sums[0] += slab * (beyond[j] - outside[j])
                    sums[n_radii] -= slab * beyond[j]
                    sums[2 * n_radii] += slab * outside[j]
                    sums[3 * n_radii] += slab / place.ds * angle[j] * radius[first + j]
                if by_level != NULL:
                    for j in range(n):
                        sums = by_level + 3 * (level * n_radii + first + j)
                        sums[0] = beyond[j] - outside[j]
                        sums[1] = angle[j] / (2.0 * PI * frame[16])
                        sums[2] = outside[j]
            if place.travel > depth:
                continue
            if rho_out < walls.reach:
                walls.reach, walls.reach_level = rho_out, level
            if self.native[level] < walls.native:
                walls.native, walls.native_level = self.native[level], level
            while untouched > 0 and radius[untouched - 1] > rho_in:
                untouched -= 1
                totals[CONTACT_LEVEL * n_radii + untouched] = level
        for j in range(n_radii):
            totals[n_radii + j] += disc * radius[j] * radius[j]
            # the tool's own wall or the thinnest native one, whichever is less: exact for their union
            totals[4 * n_radii + j] = least_of(walls.native, most_of(walls.reach - radius[j], 0.0))
            totals[5 * n_radii + j] = walls.native_level
            if walls.reach - radius[j] <= walls.native:
                totals[5 * n_radii + j] = walls.reach_level
            totals[7 * n_radii + j] = walls.reach - radius[j]
            totals[8 * n_radii + j] = walls.reach_level

    cdef void one_level(self, int level, const Place* place, const Doubt* doubt, const float* bounds,
                        const double* radius, int n_radii, double biggest, float* work, double* rows) noexcept nogil:
        """Discs of all sizes beyond the canal and beyond the bone at one level: area, angle, area.

        biggest : the largest radius, squared.
        """
        cdef double* beyond = rows
        cdef double* angle = rows + n_radii
        cdef double* outside = rows + 2 * n_radii
        cdef double half_turn = PI * self.frames[level, 16]
        cdef float[2] sums
        cdef int j
        self.weigh(level, False, place, doubt, work, sums)
        self.discs(place, work, sums, bounds[0], bounds[1], radius, n_radii, beyond, angle)
        if place.ds * sums[0] < half_turn:  # the axis runs outside the canal here: what it cuts is beyond
            for j in range(n_radii):
                beyond[j] += PI * radius[j] * radius[j] / place.ds
                angle[j] += 2.0 * PI
        for j in range(n_radii):
            beyond[j] = most_of(beyond[j], 0.0)
            angle[j] = least_of(most_of(angle[j], 0.0), 2.0 * PI)
        if bounds[2] >= biggest:
            for j in range(n_radii):
                outside[j] = 0.0
            return
        self.weigh(level, True, place, doubt, work, sums)
        self.discs(place, work, sums, bounds[2], bounds[3], radius, n_radii, outside, rows + 3 * n_radii)
        if place.ds * sums[0] < half_turn:
            for j in range(n_radii):
                outside[j] += PI * radius[j] * radius[j] / place.ds
        for j in range(n_radii):
            outside[j] = most_of(outside[j], 0.0)

    def evaluate(self, const double[::1] pose, const double[::1] radius, double depth, float[::1] work,
                 double[::1] rows, double[:, ::1] totals, double[:, :, ::1] by_level, double[:, ::1] nearest):
        """One axis, every size, with every level's numbers.

        totals : (9, radii).  by_level : (levels, radii, 3) cortical area beyond the canal, contact share, area outside.
        nearest : (levels, 3) travel, least distance of the endosteum and of the periosteum to the axis.
        """
        self.check(pose.shape[0], radius, work, rows)
        if totals.shape[0] != TOTALS or totals.shape[1] != radius.shape[0]:
            raise ValueError("totals must be (9, radii)")
        if by_level.shape[0] != self.n_levels or by_level.shape[1] != radius.shape[0] or by_level.shape[2] != 3:
            raise ValueError("by_level must be (levels, radii, 3)")
        if nearest.shape[0] != self.n_levels or nearest.shape[1] != 3:
            raise ValueError("nearest must be (levels, 3)")
        with nogil:
            self.one_pose(&pose[0], &radius[0], <int> radius.shape[0], depth, NULL, &work[0], &rows[0],
                          &totals[0, 0], &by_level[0, 0, 0], &nearest[0, 0])

    def evaluate_many(self, const double[:, ::1] poses, const double[::1] radius, const double[::1] depth,
                      float[::1] work, double[::1] rows, double[:, :, ::1] totals):
        """Many axes, every size: totals (poses, 9, radii). depth : one per pose."""
        self.check(poses.shape[1], radius, work, rows)
        if totals.shape[0] != poses.shape[0] or totals.shape[1] != TOTALS or totals.shape[2] != radius.shape[0]:
            raise ValueError("totals must be (poses, 9, radii)")
        if depth.shape[0] != poses.shape[0]:
            raise ValueError("depth must be (poses,)")
        cdef Py_ssize_t i
        with nogil:
            for i in range(poses.shape[0]):
                self.one_pose(&poses[i, 0], &radius[0], <int> radius.shape[0], depth[i], NULL, &work[0],
                              &rows[0], &totals[i, 0, 0], NULL, NULL)

    def astray(self, const double[:, ::1] poses, const double[::1] radius, const double[::1] depth,
               const double[::1] oversize, const float[:, ::1] rays, const float[:, :, ::1] se,
               const float[:, :, ::1] fields, const float[:, ::1] shared, float local, float[::1] work,
               double[::1] rows, double[:, :, ::1] totals):
        """As evaluate_many, with every tool's radius and both surfaces drawn anew for each pose.

        oversize : (poses,) added to every radius.  rays : (2, n).  se : (2, levels, n) of endosteum and periosteum.
        fields : (f, levels, n); pose i takes fields i and i + 1 (mod f).  shared : (poses, 2), in standard errors.
        """
        self.check(poses.shape[1], radius, work, rows)
        cdef Py_ssize_t q = poses.shape[0], k = radius.shape[0], f = fields.shape[0]
        cdef Py_ssize_t n = self.n_points, m = self.n_levels
        if totals.shape[0] != q or totals.shape[1] != TOTALS or totals.shape[2] != k or rows.shape[0] < 5 * k:
            raise ValueError("totals must be (poses, 9, radii), rows 5 per radius")
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
                    rows[4 * k + j] = radius[j] + oversize[i]
                self.one_pose(&poses[i, 0], &rows[4 * k], <int> k, depth[i], &doubt, &work[0], &rows[0],
                              &totals[i, 0, 0], NULL, NULL)

    def profiles(self, const double[::1] pose, const double[:, ::1] radius, float[::1] work, double[::1] rows,
                 double[:, :, ::1] out, double[:, ::1] nearest):
        """Discs whose radius changes from level to level: stems.

        radius : (q, levels), NaN = not there.  out : (q, levels, 3) area beyond the canal, angle beyond it, area
        beyond the bone; NaN where there is no disc or nothing is measured.  nearest : as in evaluate.
        A stem of the radius of the one before it at a level costs nothing: sort by diameter.
        """
        cdef Py_ssize_t q = radius.shape[0], i
        if pose.shape[0] != POSE or work.shape[0] < ROWS * (self.n_points + 16) or rows.shape[0] < 5 * q:
            raise ValueError("a pose has 10 numbers, work 9 rows and rows 5 per stem")
        if radius.shape[1] != self.n_levels or out.shape[0] != q or out.shape[1] != self.n_levels or out.shape[2] != 3:
            raise ValueError("radius must be (q, levels), out (q, levels, 3)")
        if nearest.shape[0] != self.n_levels or nearest.shape[1] != 3:
            raise ValueError("nearest must be (levels, 3)")
        cdef int level, j, n_distinct, q_distinct
        cdef double last, biggest
        cdef double* distinct
        cdef float[4] bounds
        cdef Place place
        place.travel = 0.0
        with nogil:
            for level in range(self.n_levels):
                for i in range(q):
                    for j in range(3):
                        out[i, level, j] = NAN
                for j in range(3):
                    nearest[level, j] = NAN
                if self.frames[level, 15] <= 0.0:
                    continue
                if not self.look(&pose[0], level, place.travel, NULL, &work[0], &place, bounds):
                    continue
                nearest[level, 0], nearest[level, 1] = place.travel, sqrt(bounds[0])
                nearest[level, 2] = sqrt(bounds[2])
                n_distinct, last, biggest = 0, NAN, 0.0
                distinct = &rows[4 * q]
                for i in range(q):
                    if not isnan(radius[i, level]) and radius[i, level] != last:
                        last = radius[i, level]
                        distinct[n_distinct] = last
                        biggest = most_of(biggest, last * last)
                        n_distinct += 1
                if n_distinct == 0:
                    continue
                q_distinct = n_distinct
                self.one_level(level, &place, NULL, bounds, distinct, n_distinct, biggest, &work[0], &rows[0])
                n_distinct, last = -1, NAN
                for i in range(q):
                    if isnan(radius[i, level]):
                        continue
                    if radius[i, level] != last:
                        last = radius[i, level]
                        n_distinct += 1
                    out[i, level, 0] = rows[n_distinct]
                    out[i, level, 1] = rows[q_distinct + n_distinct]
                    out[i, level, 2] = rows[2 * q_distinct + n_distinct]

    def check(self, Py_ssize_t pose_length, const double[::1] radius, float[::1] work, double[::1] rows):
        cdef Py_ssize_t j
        if pose_length != POSE or radius.shape[0] < 1:
            raise ValueError("a pose has 10 numbers, and there must be a radius")
        for j in range(1, radius.shape[0]):
            if radius[j] <= radius[j - 1]:
                raise ValueError("radii must increase")
        if work.shape[0] < ROWS * (self.n_points + 16) or rows.shape[0] < 4 * radius.shape[0]:
            raise ValueError("work space is too small")
