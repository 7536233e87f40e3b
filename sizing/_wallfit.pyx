"""The blurred wall model fitted to rays. Private: ``sizing.canal.fitting`` validates and documents.

Along one ray, with t0 = r - x0 and t1 = r - x1 and each step blurred by what the scanner does in that direction:

    HU                ┌────────┐ y1 cortex
       A e^(t0/decay) │        │
    y0 ───────────────┘        └──────── y2 soft tissue
    r ──────────────► x0      x1

    f(r) = y0 (1 - S0) + A T0 + y1 (S0 - S1 - p W) + y2 S1

S is a blurred unit step, T the blurred one-sided exponential that stands for cancellous bone on the endosteum. W is
the porous cortex: ((x1 - r) / (x1 - x0))^2 inside the wall, blurred; p is the share of HU missing at the endosteum.
The blur is a Gaussian, or for sharp kernels (1 + ring) G(s) - ring G(2 s).
"""

from libc.math cimport NAN, exp, fabs, floor, isnan, sqrt

# Columns of one ray's row. Positions are fractional voxel indices. "per_*" is the shift along the ray, in mm, for
# one voxel along that axis of the grid; "ip" and "z" weigh the in-plane and the slice variance along the ray.
cdef enum:  # columns of a row
    START = 0
    STEP = 3
    PER_INNER = 6
    PER_OUTER = 9
    IP_INNER = 12
    Z_INNER = 13
    IP_OUTER = 14
    Z_OUTER = 15
    CORTEX = 16  # prior mean and SD of y1
    CORTEX_SD = 17
    FADE_SD = 18  # prior SD of p about 0; 0 = p is given and stays
    ROW = 19

cdef enum:  # what is the same for all rays
    RAY_STEP = 0
    SIGMA_IP = 1
    SIGMA_Z = 2
    RING = 3
    NOISE = 4
    DECAY = 5
    INSIDE = 6  # how far inside x0 and outside x1 samples are used
    OUTSIDE = 7
    LEVEL_SD = 8  # weak priors on y0, y2 and A
    TAIL_SD = 9
    NOISE_LAG = 10  # autocorrelation of the noise per ray step, LAGS values
    N_SCAN = 26

cdef enum:  # parameters of a ray
    X0 = 0
    X1 = 1
    Y0 = 2
    TAIL = 3
    Y1 = 4
    Y2 = 5
    FADE = 6
    NP = 7

cdef enum:  # what is said of a fitted ray
    VAR_X0 = 0
    VAR_X1 = 1
    COV_X = 2
    X0_PER_CORTEX = 3
    X1_PER_CORTEX = 4
    X0_PER_SIGMA = 5  # per relative change of the in-plane sigma; this and what follows GRAD only with globals_too
    X1_PER_SIGMA = 6
    RMS = 7
    USED = 8
    Y1_PRECISION = 9  # of the data alone
    GRAD = 10  # of the cost, for ln sigma_ip, ln sigma_z, ring; the ray's own parameters eliminated
    HESS = 13  # upper triangle of 3 x 3
    FADE_PRECISION = 19  # of the data alone; 0 where p is given
    X0_PER_FADE = 20  # moves of the surfaces with an assumed p; 0 where p is free
    X1_PER_FADE = 21
    N_STAT = 22

cdef enum:
    MOST = 512  # data per ray
    LAGS = 16
    TABLE = 1024

cdef double TABLE_REACH = 6.5
cdef double _area[TABLE + 2]
cdef double _bell[TABLE + 2]
cdef double RING_WIDTH = 2.0
cdef double MOST_DECAYS = 12.0
cdef double SPLIT = 0.7

N_ROW = ROW
N_SCAN_VALUES = N_SCAN
N_PARAM = NP
N_STATS = N_STAT
N_LAGS = LAGS


cdef void _fill_table():
    from math import erf, pi
    cdef int i
    for i in range(TABLE + 2):
        z = TABLE_REACH * (2.0 * i / TABLE - 1.0)
        _area[i] = 0.5 * (1 + erf(z / 2 ** 0.5))
        _bell[i] = exp(-0.5 * z * z) / (2 * pi) ** 0.5


_fill_table()


# one blurred edge at distance t from it
cdef struct Edge:
    double area  # blurred step
    double slope  # its derivative
    double tail  # blurred exponential
    double tail_slope
    double area_ip, area_z, area_ring  # derivatives by ln sigma_ip, ln sigma_z, ring
    double tail_ip, tail_z, tail_ring


cdef inline void _normal(double z, double* area, double* bell) noexcept nogil:
    cdef double u
    cdef int i
    if z <= -TABLE_REACH:
        area[0] = bell[0] = 0
        return
    if z >= TABLE_REACH:
        area[0] = 1
        bell[0] = 0
        return
    u = (z + TABLE_REACH) * (TABLE / (2 * TABLE_REACH))
    i = <int> u
    u -= i
    area[0] = _area[i] + u * (_area[i + 1] - _area[i])
    bell[0] = _bell[i] + u * (_bell[i + 1] - _bell[i])


cdef inline void _add_gauss(Edge* e, double weight, double t, double var_ip, double var_z, double var_grid,
                            double decay, bint inner) noexcept nogil:
    cdef double s = sqrt(var_ip + var_z + var_grid)
    cdef double z = t / s, area, bell, far, unused, tail = 0, tail_s, area_s
    if z >= TABLE_REACH:  # far outside the edge: nothing of the inside is left
        e.area += weight
        return
    if z <= -TABLE_REACH:  # far inside: the plain exponential
        if inner and t > -MOST_DECAYS * decay:
            tail = weight * exp(t / decay)
            e.tail += tail
            e.tail_slope += tail / decay
        return
    _normal(z, &area, &bell)
    e.area += weight * area
    e.slope += weight * bell / s
    if inner:
        _normal(-(z + s / decay), &far, &unused)
        if far > 0:
            tail = exp(t / decay + 0.5 * s * s / (decay * decay)) * far
        e.tail += weight * tail
        e.tail_slope += weight * (tail / decay - bell / s)
    area_s = -z * bell / s
    e.area_ip += weight * area_s * var_ip / s
    e.area_z += weight * area_s * var_z / s
    if inner:
        tail_s = s / (decay * decay) * tail - bell / decay + bell * z / s
        e.tail_ip += weight * tail_s * var_ip / s
        e.tail_z += weight * tail_s * var_z / s


cdef inline void _edge(Edge* e, double t, double share_ip, double share_z, double var_grid, const double* scan,
                       bint inner) noexcept nogil:
    cdef double ip = scan[SIGMA_IP] * scan[SIGMA_IP] * share_ip
    cdef double vz = scan[SIGMA_Z] * scan[SIGMA_Z] * share_z
    cdef double ring = scan[RING]
    cdef Edge one
    e.area = e.slope = e.tail = e.tail_slope = 0
    e.area_ip = e.area_z = e.area_ring = e.tail_ip = e.tail_z = e.tail_ring = 0
    _add_gauss(e, 1 + ring, t, ip, vz, var_grid, scan[DECAY], inner)
    if ring != 0:
        _add_gauss(e, -ring, t, RING_WIDTH * RING_WIDTH * ip, vz, var_grid, scan[DECAY], inner)
    # d/d ring = G(s) - G(2 s)
    one.area = one.slope = one.tail = one.tail_slope = 0
    one.area_ip = one.area_z = one.tail_ip = one.tail_z = 0
    _add_gauss(&one, 1, t, ip, vz, var_grid, scan[DECAY], inner)
    _add_gauss(&one, -1, t, RING_WIDTH * RING_WIDTH * ip, vz, var_grid, scan[DECAY], inner)
    e.area_ring = one.area
    e.tail_ring = one.tail


# the porous share of the wall seen at one datum, and its derivatives by both surfaces and by the variance
cdef struct Fade:
    double value
    double by_x0
    double by_x1
    double by_variance


cdef inline void _add_fade(Fade* f, double weight, double t0, double t1, double inv_s, double s0,
                           double g0) noexcept nogil:
    """Blurred ((x1 - r) / w)^2 between the surfaces: a step down at x0, its ramp R, and the difference of two bends Q.

    With S' = g, R' = S, Q' = R: W = S0 - 2 R0 / w + 2 (Q0 - Q1) / w^2. Both ends take the blur of the inner edge: at
    the outer end value and slope are zero. S0 and g0 (times the blur) come from the caller, who needs them, too."""
    cdef double s, iw, s1, g1, r0, r1, bend
    if t0 * inv_s <= -TABLE_REACH or t1 * inv_s >= TABLE_REACH:
        return
    s = 1 / inv_s
    iw = 1 / (t0 - t1)
    _normal(t1 * inv_s, &s1, &g1)
    r0 = t0 * s0 + s * g0
    r1 = t1 * s1 + s * g1
    bend = 0.5 * ((t0 * t0 + s * s) * s0 + t0 * s * g0 - (t1 * t1 + s * s) * s1 - t1 * s * g1)
    f.value += weight * (s0 - 2 * iw * r0 + 2 * iw * iw * bend)
    f.by_x0 += weight * (-g0 * inv_s + 2 * iw * s0 - 4 * iw * iw * r0 + 4 * iw * iw * iw * bend)
    f.by_x1 += weight * (2 * iw * iw * (r0 + r1) - 4 * iw * iw * iw * bend)
    f.by_variance += weight * 0.5 * (-t0 * g0 * inv_s * inv_s * inv_s - 2 * iw * g0 * inv_s + 2 * iw * iw * (s0 - s1))


# one datum: a value, its distance from the axis as the inner and as the outer surface see it, its grid blur, its weight
cdef struct Datum:
    double hu
    double r_inner, r_outer
    double grid_inner, grid_outer
    double weight
    double place  # distance along the ray, for the noise's autocorrelation
    # of each Gaussian, once per ray: 1 / sigma at both edges, sigma / decay, and the tail's height at r = 0
    double inv_inner[2]
    double inv_outer[2]
    double over[2]
    double lift[2]


cdef int _collect(const short[:, :, ::1] hu, const double* row, const double* scan, double low, double high,
                  Datum* data) noexcept nogil:
    """Samples with low <= r <= high. In an oblique bone the two slices round a sample are two data, each at its own
    distance from the surface: a linear mix of both would be a step with two flights."""
    cdef double step = scan[RAY_STEP], r, z, y, x, c, b, a, lower, upper, grid_in, grid_out
    cdef double s = sqrt(scan[SIGMA_IP] ** 2 * row[IP_INNER] + scan[SIGMA_Z] ** 2 * row[Z_INNER])
    # two flights closer than this are one wider flight to the third order
    cdef bint split = fabs(row[PER_INNER]) > SPLIT * s or fabs(row[PER_OUTER]) > SPLIT * s
    cdef Py_ssize_t j = <Py_ssize_t> floor(low / step), last = <Py_ssize_t> floor(high / step), k, i, h
    cdef int n = 0
    if j < 0:
        j = 0
    while j <= last and n + 2 <= MOST:
        r = j * step
        z = row[START] + j * row[STEP]
        y = row[START + 1] + j * row[STEP + 1]
        x = row[START + 2] + j * row[STEP + 2]
        j += 1
        k = <Py_ssize_t> floor(z)
        h = <Py_ssize_t> floor(y)
        i = <Py_ssize_t> floor(x)
        if k == hu.shape[0] - 1:
            k -= 1
        if k < 0 or h < 0 or i < 0 or k + 1 >= hu.shape[0] or h + 1 >= hu.shape[1] or i + 1 >= hu.shape[2]:
            continue
        c = z - k
        b = y - h
        a = x - i
        if c > 1:
            continue
        lower = (1 - b) * ((1 - a) * hu[k, h, i] + a * hu[k, h, i + 1]) \
            + b * ((1 - a) * hu[k, h + 1, i] + a * hu[k, h + 1, i + 1])
        upper = (1 - b) * ((1 - a) * hu[k + 1, h, i] + a * hu[k + 1, h, i + 1]) \
            + b * ((1 - a) * hu[k + 1, h + 1, i] + a * hu[k + 1, h + 1, i + 1])
        grid_in = row[PER_INNER + 1] ** 2 * b * (1 - b) + row[PER_INNER + 2] ** 2 * a * (1 - a)
        grid_out = row[PER_OUTER + 1] ** 2 * b * (1 - b) + row[PER_OUTER + 2] ** 2 * a * (1 - a)
        if split:
            if c < 0.95:
                _put(&data[n], lower, r - c * row[PER_INNER], r - c * row[PER_OUTER], grid_in, grid_out, 1 - c, r)
                n += 1
            if c > 0.05:
                _put(&data[n], upper, r + (1 - c) * row[PER_INNER], r + (1 - c) * row[PER_OUTER],
                     grid_in, grid_out, c, r)
                n += 1
        else:
            grid_in += row[PER_INNER] ** 2 * c * (1 - c)
            grid_out += row[PER_OUTER] ** 2 * c * (1 - c)
            _put(&data[n], (1 - c) * lower + c * upper, r, r, grid_in, grid_out, 1, r)
            n += 1
    return n


cdef inline void _put(Datum* d, double hu, double r_inner, double r_outer, double grid_inner, double grid_outer,
                      double weight, double place) noexcept nogil:
    d.hu = hu
    d.r_inner = r_inner
    d.r_outer = r_outer
    d.grid_inner = grid_inner
    d.grid_outer = grid_outer
    d.weight = weight
    d.place = place


cdef void _prepare(Datum* data, int n, const double* row, const double* scan) noexcept nogil:
    """Fill in what does not change while a ray is fitted."""
    cdef double ip = scan[SIGMA_IP] * scan[SIGMA_IP], vz = scan[SIGMA_Z] * scan[SIGMA_Z], decay = scan[DECAY]
    cdef double s, wide, share
    cdef int i, g
    for i in range(n):
        for g in range(2 if scan[RING] != 0 else 1):
            wide = RING_WIDTH * RING_WIDTH if g else 1.0
            share = -scan[RING] if g else 1 + scan[RING]
            data[i].inv_outer[g] = 1 / sqrt(wide * ip * row[IP_OUTER] + vz * row[Z_OUTER] + data[i].grid_outer)
            s = sqrt(wide * ip * row[IP_INNER] + vz * row[Z_INNER] + data[i].grid_inner)
            data[i].inv_inner[g] = 1 / s
            data[i].over[g] = s / decay
            data[i].lift[g] = share * exp(data[i].r_inner / decay + 0.5 * s * s / (decay * decay))


# the same as _model without its globals, from what _prepare laid out: this is where the time goes
cdef inline double _quick_model(const Datum* d, const double* p, double fall, const double* scan, bint fades,
                                double* jac) noexcept nogil:
    cdef double inside = 0, inside_slope = 0, tail = 0, outside = 0, outside_slope = 0
    cdef double z, area, bell, far, unused, share
    cdef Fade fade
    cdef int g
    fade.value = fade.by_x0 = fade.by_x1 = fade.by_variance = 0
    for g in range(2 if scan[RING] != 0 else 1):
        share = -scan[RING] if g else 1 + scan[RING]
        z = (d.r_inner - p[X0]) * d.inv_inner[g]
        _normal(z, &area, &bell)
        inside += share * area
        inside_slope += share * bell * d.inv_inner[g]
        if fades:
            _add_fade(&fade, share, d.r_inner - p[X0], d.r_outer - p[X1], d.inv_inner[g], area, bell)
        if z < TABLE_REACH:
            _normal(-(z + d.over[g]), &far, &unused)
            tail += d.lift[g] * fall * far
        _normal((d.r_outer - p[X1]) * d.inv_outer[g], &area, &bell)
        outside += share * area
        outside_slope += share * bell * d.inv_outer[g]
    jac[X0] = -inside_slope * (p[Y1] - p[Y0]) - p[TAIL] * (tail / scan[DECAY] - inside_slope)
    jac[X1] = -outside_slope * (p[Y2] - p[Y1])
    jac[Y0] = 1 - inside
    jac[TAIL] = tail
    jac[Y1] = inside - outside
    jac[Y2] = outside
    jac[FADE] = 0
    if fades:
        _take_fade(&fade, p, jac)
    return d.hu - (p[Y0] * jac[Y0] + p[TAIL] * jac[TAIL] + p[Y1] * jac[Y1] + p[Y2] * jac[Y2])


cdef inline void _take_fade(const Fade* fade, const double* p, double* jac) noexcept nogil:
    jac[X0] -= p[Y1] * p[FADE] * fade.by_x0
    jac[X1] -= p[Y1] * p[FADE] * fade.by_x1
    jac[Y1] -= p[FADE] * fade.value
    jac[FADE] = -p[Y1] * fade.value


# residual and derivatives of one datum; returns the residual
cdef inline double _model(const Datum* d, const double* p, const double* row, const double* scan, double* jac,
                          double* by_global) noexcept nogil:
    cdef Edge inner, outer
    cdef Fade fade, other
    cdef double ip = scan[SIGMA_IP] * scan[SIGMA_IP] * row[IP_INNER], vz = scan[SIGMA_Z] * scan[SIGMA_Z] * row[Z_INNER]
    cdef double t0 = d.r_inner - p[X0], t1 = d.r_outer - p[X1], missing = p[Y1] * p[FADE], area, bell
    cdef double inv_wide = 1 / sqrt(RING_WIDTH * RING_WIDTH * ip + vz + d.grid_inner)
    _edge(&inner, d.r_inner - p[X0], row[IP_INNER], row[Z_INNER], d.grid_inner, scan, True)
    _edge(&outer, d.r_outer - p[X1], row[IP_OUTER], row[Z_OUTER], d.grid_outer, scan, False)
    jac[X0] = -inner.slope * (p[Y1] - p[Y0]) - p[TAIL] * inner.tail_slope
    jac[X1] = -outer.slope * (p[Y2] - p[Y1])
    jac[Y0] = 1 - inner.area
    jac[TAIL] = inner.tail
    jac[Y1] = inner.area - outer.area
    jac[Y2] = outer.area
    by_global[0] = inner.area_ip * (p[Y1] - p[Y0]) + p[TAIL] * inner.tail_ip + outer.area_ip * (p[Y2] - p[Y1])
    by_global[1] = inner.area_z * (p[Y1] - p[Y0]) + p[TAIL] * inner.tail_z + outer.area_z * (p[Y2] - p[Y1])
    by_global[2] = inner.area_ring * (p[Y1] - p[Y0]) + p[TAIL] * inner.tail_ring + outer.area_ring * (p[Y2] - p[Y1])
    fade.value = fade.by_x0 = fade.by_x1 = fade.by_variance = 0
    other = fade
    _normal(t0 * d.inv_inner[0], &area, &bell)
    _add_fade(&fade, 1, t0, t1, d.inv_inner[0], area, bell)
    _normal(t0 * inv_wide, &area, &bell)
    _add_fade(&other, 1, t0, t1, inv_wide, area, bell)
    by_global[0] -= missing * 2 * ip * ((1 + scan[RING]) * fade.by_variance
                                        - scan[RING] * RING_WIDTH * RING_WIDTH * other.by_variance)
    by_global[1] -= missing * 2 * vz * ((1 + scan[RING]) * fade.by_variance - scan[RING] * other.by_variance)
    by_global[2] -= missing * (fade.value - other.value)
    fade.value = (1 + scan[RING]) * fade.value - scan[RING] * other.value
    fade.by_x0 = (1 + scan[RING]) * fade.by_x0 - scan[RING] * other.by_x0
    fade.by_x1 = (1 + scan[RING]) * fade.by_x1 - scan[RING] * other.by_x1
    _take_fade(&fade, p, jac)
    return d.hu - (p[Y0] * jac[Y0] + p[TAIL] * jac[TAIL] + p[Y1] * jac[Y1] + p[Y2] * jac[Y2])


cdef double _assemble(const Datum* data, int n, const double* p, const double* row, const double* scan,
                      double[NP][NP] hess, double* grad) noexcept nogil:
    """Return the cost; fill the normal equations (data and priors)."""
    cdef double jac[NP]
    cdef int free = _free(row)
    cdef bint fades = free == NP or p[FADE] != 0
    cdef double cost = 0, res, w, wj, inv = 1.0 / (scan[NOISE] * scan[NOISE]), fall = exp(-p[X0] / scan[DECAY])
    cdef int i, a, b
    for a in range(NP):
        grad[a] = 0
        for b in range(NP):
            hess[a][b] = 0
    for i in range(n):
        res = _quick_model(&data[i], p, fall, scan, fades, jac)
        w = inv * data[i].weight
        cost += w * res * res
        for a in range(free):
            wj = w * jac[a]
            grad[a] += wj * res
            for b in range(a + 1):
                hess[a][b] += wj * jac[b]
    cost += _prior(Y1, row[CORTEX], row[CORTEX_SD], p, hess, grad)
    cost += _prior(Y0, 0, scan[LEVEL_SD], p, hess, grad)
    cost += _prior(Y2, 0, scan[LEVEL_SD], p, hess, grad)
    cost += _prior(TAIL, 0, scan[TAIL_SD], p, hess, grad)
    if free == NP:
        cost += _prior(FADE, 0, row[FADE_SD], p, hess, grad)
    else:
        hess[FADE][FADE] = 1  # given: it stays, and no other parameter leans on it
    for a in range(NP):
        for b in range(a):
            hess[b][a] = hess[a][b]
    return cost


cdef inline int _free(const double* row) noexcept nogil:
    return NP if row[FADE_SD] > 0 else FADE


cdef inline double _prior(int a, double mean, double sd, const double* p, double[NP][NP] hess,
                          double* grad) noexcept nogil:
    cdef double w = 1.0 / (sd * sd), miss = mean - p[a]
    hess[a][a] += w
    grad[a] += w * miss
    return w * miss * miss


cdef bint _cholesky(double[NP][NP] m, double[NP][NP] low) noexcept nogil:
    cdef int i, j, k
    cdef double s
    for i in range(NP):
        for j in range(i + 1):
            s = m[i][j]
            for k in range(j):
                s -= low[i][k] * low[j][k]
            if i == j:
                if not s > 0:
                    return False
                low[i][i] = sqrt(s)
            else:
                low[i][j] = s / low[j][j]
    return True


cdef void _solve(double[NP][NP] low, const double* right, double* x) noexcept nogil:
    cdef int i, k
    cdef double s
    for i in range(NP):
        s = right[i]
        for k in range(i):
            s -= low[i][k] * x[k]
        x[i] = s / low[i][i]
    for i in range(NP - 1, -1, -1):
        s = x[i]
        for k in range(i + 1, NP):
            s -= low[k][i] * x[k]
        x[i] = s / low[i][i]


cdef bint _fit(const Datum* data, int n, const double* row, const double* scan, double* p, int moves,
               double[NP][NP] hess) noexcept nogil:
    """Levenberg and Marquardt; leaves the undamped normal matrix of the last accepted point in ``hess``."""
    cdef double trial_hess[NP][NP]
    cdef double damped[NP][NP]
    cdef double low[NP][NP]
    cdef double grad[NP]
    cdef double trial_grad[NP]
    cdef double trial[NP]
    cdef double d[NP]
    cdef double cost, trial_cost, mu = 1e-6, most
    cdef int a, b, _move
    cost = _assemble(data, n, p, row, scan, hess, grad)
    for _move in range(moves):
        for a in range(NP):
            for b in range(NP):
                damped[a][b] = hess[a][b]
            damped[a][a] += mu * hess[a][a] + 1e-12
        if not _cholesky(damped, low):
            return False
        _solve(low, grad, d)
        for a in range(NP):
            trial[a] = p[a] + d[a]
        if isnan(trial[X0]) or trial[X1] - trial[X0] < 0.02 or trial[X0] < 0 or fabs(d[X0]) + fabs(d[X1]) > 3:
            mu = mu * 10 + 1e-2
            if mu > 1e8:
                return True
            continue
        trial_cost = _assemble(data, n, trial, row, scan, trial_hess, trial_grad)
        most = fabs(d[X0]) + fabs(d[X1])
        if trial_cost <= cost:
            for a in range(NP):
                p[a] = trial[a]
                grad[a] = trial_grad[a]
                for b in range(NP):
                    hess[a][b] = trial_hess[a][b]
            if most < 2e-3 and cost - trial_cost < 1e-2 * (1 + 0.01 * cost):
                return True
            cost = trial_cost
            mu *= 0.1
        else:
            if most < 1e-4:
                return True
            mu = mu * 10
    return True


# fit_walls: fit the model on every ray, and say how sure it is.
#
# params (q, N_PARAM) hold the start and receive the result; a NaN start leaves the ray alone. stats (q, N_STATS) as
# enumerated above. lag_sums (2, N_LAGS) receive products of residuals and their number, from which the caller
# estimates the noise's autocorrelation. With ``globals_too`` each ray also says which way it wants sigma and ring
# to go.
def fit_walls(const short[:, :, ::1] hu, const double[:, ::1] rows, const double[::1] scan, double[:, ::1] params,
              double[:, ::1] stats, double[:, ::1] lag_sums, int moves, bint globals_too):
    cdef Py_ssize_t i
    cdef int j
    with nogil:
        for i in range(rows.shape[0]):
            for j in range(N_STAT):
                stats[i, j] = NAN
            if isnan(params[i, X0]) or isnan(params[i, X1]):
                continue
            _fit_ray(hu, &rows[i, 0], &scan[0], &params[i, 0], &stats[i, 0], lag_sums, moves, globals_too)


cdef void _fit_ray(const short[:, :, ::1] hu, const double* row, const double* scan, double* p, double* stat,
                   double[:, ::1] lag_sums, int moves, bint globals_too) noexcept nogil:
    cdef Datum data[MOST]
    cdef double hess[NP][NP]
    cdef double low[NP][NP]
    cdef int n = _collect(hu, row, scan, p[X0] - scan[INSIDE], p[X1] + scan[OUTSIDE], data)
    _prepare(data, n, row, scan)
    stat[USED] = n
    if n < NP + 2 or not _fit(data, n, row, scan, p, moves, hess) or not _cholesky(hess, low):
        p[X0] = p[X1] = NAN
        return
    _describe(data, n, row, scan, p, low, stat, lag_sums, globals_too)


cdef void _describe(const Datum* data, int n, const double* row, const double* scan, const double* p,
                    double[NP][NP] low, double* stat, double[:, ::1] lag_sums, bint globals_too) noexcept nogil:
    cdef double jac[MOST][NP]
    cdef double res[MOST]
    cdef double by_global[MOST][3]
    cdef double unit[NP]
    cdef double inverse[4][NP]  # rows of the inverse normal matrix for x0, x1, y1 and p
    cdef double project[3][NP]
    cdef double right[NP]
    cdef double reduced[3]
    cdef double square = 0, total = 0, w, s, inv = 1.0 / (scan[NOISE] * scan[NOISE])
    cdef double fall = exp(-p[X0] / scan[DECAY])
    cdef double by_fade[MOST]
    cdef bint fade_free = _free(row) == NP
    cdef int i, a, k, g
    for i in range(n):
        if globals_too:
            res[i] = _model(&data[i], p, row, scan, jac[i], by_global[i])
        else:
            res[i] = _quick_model(&data[i], p, fall, scan, True, jac[i])
        by_fade[i] = jac[i][FADE]
        if not fade_free:
            jac[i][FADE] = 0
        square += data[i].weight * res[i] * res[i]
        total += data[i].weight
    stat[RMS] = sqrt(square / total)
    for k in range(4):
        for a in range(NP):
            unit[a] = 0
        unit[X0 if k == 0 else (X1 if k == 1 else (Y1 if k == 2 else FADE))] = 1
        _solve(low, unit, inverse[k])
    w = 1.0 / (row[CORTEX_SD] * row[CORTEX_SD])
    stat[X0_PER_CORTEX] = inverse[0][Y1] * w
    stat[X1_PER_CORTEX] = inverse[1][Y1] * w
    stat[Y1_PRECISION] = 1.0 / inverse[2][Y1] - w
    _variances(data, n, jac, inverse, scan, stat)
    stat[FADE_PRECISION] = stat[X0_PER_FADE] = stat[X1_PER_FADE] = 0
    if fade_free:
        stat[FADE_PRECISION] = 1.0 / inverse[3][FADE] - 1.0 / (row[FADE_SD] * row[FADE_SD])
    else:
        for i in range(n):
            for a in range(NP):
                stat[X0_PER_FADE] -= inv * data[i].weight * inverse[0][a] * jac[i][a] * by_fade[i]
                stat[X1_PER_FADE] -= inv * data[i].weight * inverse[1][a] * jac[i][a] * by_fade[i]
    if not globals_too:
        return
    _lags(data, n, res, scan[RAY_STEP], lag_sums)
    # raising an assumed global by dg leaves the data as they are: the parameters give way by -H^-1 J' df/dg
    for g in range(3):
        for a in range(NP):
            right[a] = 0
        for i in range(n):
            for a in range(NP):
                right[a] += inv * data[i].weight * jac[i][a] * by_global[i][g]
        _solve(low, right, project[g])
    stat[X0_PER_SIGMA] = -project[0][X0]
    stat[X1_PER_SIGMA] = -project[0][X1]
    for k in range(9):
        stat[GRAD + k] = 0
    for i in range(n):
        w = inv * data[i].weight
        for g in range(3):
            s = by_global[i][g]
            for a in range(NP):
                s -= jac[i][a] * project[g][a]
            reduced[g] = s
            stat[GRAD + g] += w * s * res[i]
        k = 0
        for g in range(3):
            for a in range(g, 3):
                stat[HESS + k] += w * reduced[g] * reduced[a]
                k += 1


cdef void _variances(const Datum* data, int n, double[MOST][NP] jac, double[4][NP] inverse, const double* scan,
                     double* stat) noexcept nogil:
    """Sandwich: each surface is a weighted sum of the data; correlated noise does not average out."""
    cdef double pull[MOST][2]
    cdef double inv = 1.0 / (scan[NOISE] * scan[NOISE]), c, var0 = 0, var1 = 0, cov = 0
    cdef int i, j, k, a, lag, farthest = 0
    for lag in range(LAGS):
        if scan[NOISE_LAG + lag] != 0:
            farthest = lag
    for i in range(n):
        for k in range(2):
            pull[i][k] = 0
            for a in range(NP):
                pull[i][k] += inv * data[i].weight * inverse[k][a] * jac[i][a]
    for i in range(n):
        for j in range(i, -1, -1):
            lag = <int> ((data[i].place - data[j].place) / scan[RAY_STEP] + 0.5)
            if lag > farthest:
                break
            c = scan[NOISE_LAG + lag] * (1.0 if i == j else 2.0)
            var0 += c * pull[i][0] * pull[j][0]
            var1 += c * pull[i][1] * pull[j][1]
            cov += 0.5 * c * (pull[i][0] * pull[j][1] + pull[i][1] * pull[j][0])
    stat[VAR_X0] = var0 * scan[NOISE] * scan[NOISE]
    stat[VAR_X1] = var1 * scan[NOISE] * scan[NOISE]
    stat[COV_X] = cov * scan[NOISE] * scan[NOISE]


cdef void _lags(const Datum* data, int n, const double* res, double step, double[:, ::1] lag_sums) noexcept nogil:
    cdef int i, j, lag
    for i in range(n):
        for j in range(i, -1, -1):
            lag = <int> ((data[i].place - data[j].place) / step + 0.5)
            if lag >= LAGS:
                break
            lag_sums[0, lag] += res[i] * res[j]
            lag_sums[1, lag] += 1
