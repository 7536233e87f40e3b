"""Phantom kernels: draw analytic bone on a fine grid. Private: ``sizing.phantom`` validates and documents.

The bone is a table of an axis (points and frames by depth) and of surfaces by depth and angle.
For each fine cell of one plane z = const:

  1. find the foot on the axis: depth += (p - c(depth)) . s(depth), started from the cell before;
  2. r and theta about the axis there; radii, wall HU and their slopes by bilinear interpolation;
  3. distance to a surface = (r - R) / |grad|; the share of the cell inside it is a ramp whose width
     has the variance of the cell projected on the surface normal, so that averages are right
     to second order for every orientation;
  4. HU = canal, with cancellous bone fading from the endosteum inwards, then wall, minus what
     surrounds the bone: the result is an excess that is blurred and added to the limb.
"""

from libc.math cimport atan2, cos, exp, fabs, floor, sin, sqrt

cdef double TWO_PI = 6.283185307179586


cdef inline double ramp(double distance, double width) noexcept nogil:
    """Share of a cell that lies inside (distance < 0)."""
    cdef double share = 0.5 - distance / width
    return 0.0 if share < 0.0 else (1.0 if share > 1.0 else share)


cdef struct Foot:
    double depth
    double x
    double y


cdef inline Foot find_foot(const double[:, ::1] axis, double first, double step, double start,
                           double px, double py, double pz) noexcept nogil:
    """Foot of a point on the axis. Rows of ``axis``: point, s, u, v (3 each)."""
    cdef Foot foot
    cdef double depth = start, t, f, dx, dy, dz, along
    cdef Py_ssize_t i, last = axis.shape[0] - 2
    cdef int turn
    for turn in range(2):  # the cell before was near: one step leaves (cell * bend) of an error
        t = (depth - first) / step
        i = <Py_ssize_t>floor(t)
        i = 0 if i < 0 else (last if i > last else i)
        f = t - i
        dx = px - (axis[i, 0] * (1 - f) + axis[i + 1, 0] * f)
        dy = py - (axis[i, 1] * (1 - f) + axis[i + 1, 1] * f)
        dz = pz - (axis[i, 2] * (1 - f) + axis[i + 1, 2] * f)
        along = (dx * (axis[i, 3] * (1 - f) + axis[i + 1, 3] * f)
                 + dy * (axis[i, 4] * (1 - f) + axis[i + 1, 4] * f)
                 + dz * (axis[i, 5] * (1 - f) + axis[i + 1, 5] * f))
        if turn < 1:
            depth += along
    foot.depth = depth
    foot.x = (dx * (axis[i, 6] * (1 - f) + axis[i + 1, 6] * f)
              + dy * (axis[i, 7] * (1 - f) + axis[i + 1, 7] * f)
              + dz * (axis[i, 8] * (1 - f) + axis[i + 1, 8] * f))
    foot.y = (dx * (axis[i, 9] * (1 - f) + axis[i + 1, 9] * f)
              + dy * (axis[i, 10] * (1 - f) + axis[i + 1, 10] * f)
              + dz * (axis[i, 11] * (1 - f) + axis[i + 1, 11] * f))
    return foot


cdef inline double cell_width(const double[:, ::1] axis, Py_ssize_t i, double n_s, double n_u, double n_v,
                              double h, double hz) noexcept nogil:
    """Width of the ramp for a surface whose normal is n_s s + n_u u + n_v v."""
    cdef double nx = n_s * axis[i, 3] + n_u * axis[i, 6] + n_v * axis[i, 9]
    cdef double ny = n_s * axis[i, 4] + n_u * axis[i, 7] + n_v * axis[i, 10]
    cdef double nz = n_s * axis[i, 5] + n_u * axis[i, 8] + n_v * axis[i, 11]
    return sqrt((h * nx) ** 2 + (h * ny) ** 2 + (hz * nz) ** 2)


def draw_plane(const double[:, ::1] axis, const double[:, :, ::1] surfaces, const double[:, ::1] levels,
               const double[::1] constants, double x0, double y0, double z, float[:, ::1] out):
    """Fill ``out`` (rows, columns) with the HU excess of one bone on the plane z.

    axis : (k, 12) point, s, u, v by depth. surfaces : (k, n, 3) endosteal radius, periosteal radius,
    wall HU. levels : (k, 3) canal HU, least endosteal radius, greatest periosteal radius.
    constants : first depth, depth step, cell size, cell height, background HU, cancellous HU,
    cancellous decay, end depth, porosity, pin radius, pin u, pin v, pin HU.
    x0, y0 : centre of the first cell.
    """
    cdef double first = constants[0], step = constants[1], h = constants[2], hz = constants[3]
    cdef double background = constants[4], cancellous = constants[5], decay = constants[6], end = constants[7]
    cdef double porosity = constants[8]
    cdef double pin_radius = constants[9], pin_u = constants[10], pin_v = constants[11], pin_hu = constants[12]
    cdef Py_ssize_t rows = out.shape[0], columns = out.shape[1], row, column, i, j, j1
    cdef Py_ssize_t k = axis.shape[0], n = surfaces.shape[1]
    cdef double reach = 2 * (h + hz), start, row_start, r, theta, t, f, g, co, si
    cdef double a00, a01, a10, a11, r_in, r_out, in_s, in_t, out_s, out_t, wall, grad, width, inside, within
    cdef double gap, hu, value, canal
    cdef Foot foot
    with nogil:
        i = k // 2  # start where the axis crosses the plane, as if it were straight
        row_start = first + i * step + (z - axis[i, 2]) / axis[i, 5]
        for row in range(rows):
            start = row_start
            for column in range(columns):
                foot = find_foot(axis, first, step, start, x0 + column * h, y0 + row * h, z)
                start = foot.depth
                if column == 0:
                    row_start = start
                out[row, column] = 0.0
                t = (foot.depth - first) / step
                i = <Py_ssize_t>floor(t)
                if i < 0 or i > k - 2:
                    continue
                r = sqrt(foot.x * foot.x + foot.y * foot.y)
                if r > levels[i, 2] + reach:
                    continue
                f = t - i
                canal = levels[i, 0] * (1 - f) + levels[i + 1, 0] * f
                if r < levels[i, 1] - reach - 12 * decay:
                    value = canal - background
                else:
                    theta = atan2(foot.y, foot.x)
                    g = theta * n / TWO_PI
                    j = <Py_ssize_t>floor(g)
                    g -= j
                    j = (j + n) % n
                    j1 = (j + 1) % n
                    a00 = surfaces[i, j, 0]
                    a01 = surfaces[i, j1, 0]
                    a10 = surfaces[i + 1, j, 0]
                    a11 = surfaces[i + 1, j1, 0]
                    r_in = (a00 * (1 - g) + a01 * g) * (1 - f) + (a10 * (1 - g) + a11 * g) * f
                    in_s = ((a10 - a00) * (1 - g) + (a11 - a01) * g) / step
                    in_t = ((a01 - a00) * (1 - f) + (a11 - a10) * f) * n / TWO_PI
                    a00 = surfaces[i, j, 1]
                    a01 = surfaces[i, j1, 1]
                    a10 = surfaces[i + 1, j, 1]
                    a11 = surfaces[i + 1, j1, 1]
                    r_out = (a00 * (1 - g) + a01 * g) * (1 - f) + (a10 * (1 - g) + a11 * g) * f
                    out_s = ((a10 - a00) * (1 - g) + (a11 - a01) * g) / step
                    out_t = ((a01 - a00) * (1 - f) + (a11 - a10) * f) * n / TWO_PI
                    wall = ((surfaces[i, j, 2] * (1 - g) + surfaces[i, j1, 2] * g) * (1 - f)
                            + (surfaces[i + 1, j, 2] * (1 - g) + surfaces[i + 1, j1, 2] * g) * f)
                    if porosity != 0.0 and r < r_out:
                        t = 1.0 if r < r_in else (r_out - r) / (r_out - r_in)
                        wall *= 1.0 - porosity * t * t
                    co, si = cos(theta), sin(theta)
                    # Endosteum. Slope over the radius of the surface, not of the cell: exact on the surface.
                    in_t /= r_in
                    grad = sqrt(1 + in_s * in_s + in_t * in_t)
                    gap = (r - r_in) / grad
                    width = cell_width(axis, i, -in_s / grad, (co + in_t * si) / grad, (si - in_t * co) / grad, h, hz)
                    inside = ramp(gap, width)
                    if cancellous != 0.0 and inside > 0.0:
                        canal += cancellous * exp((gap if gap < 0.0 else 0.0) / decay)
                    out_t /= r_out
                    grad = sqrt(1 + out_s * out_s + out_t * out_t)
                    gap = (r - r_out) / grad
                    width = cell_width(axis, i, -out_s / grad, (co + out_t * si) / grad, (si - out_t * co) / grad,
                                       h, hz)
                    within = ramp(gap, width)
                    if within < inside:
                        inside = within
                    value = inside * canal + (within - inside) * wall - within * background
                if pin_radius > 0.0:
                    hu = ramp(sqrt((foot.x - pin_u) ** 2 + (foot.y - pin_v) ** 2) - pin_radius, h)
                    value += hu * (pin_hu - background - value)
                if foot.depth < end + reach:
                    value *= ramp(end - foot.depth, cell_width(axis, i, 1.0, 0.0, 0.0, h, hz))
                out[row, column] = <float>value


def blur_plane(const float[:, ::1] fine, const float[:, ::1] taps, const float[::1] strength, Py_ssize_t first,
               Py_ssize_t cells, float[:, ::1] middle, float[:, ::1] out):
    """Blur one plane of fine cells and read it at the pixels: ``out`` (rows, columns).

    taps : (terms, width) each term's weights along one axis; cell p * cells + first + k gives taps[:, k]
    to pixel p. strength : (terms,) weight of each term. middle : (fine rows, columns) workspace.
    Cells beyond the plane count as zero. Plain loops on purpose: small products by a threaded
    linear algebra library wait for each other on a busy computer.
    """
    cdef Py_ssize_t fine_rows = fine.shape[0], fine_columns = fine.shape[1]
    cdef Py_ssize_t rows = out.shape[0], columns = out.shape[1], width = taps.shape[1]
    cdef Py_ssize_t row, column, k, low, high, start, term
    cdef float total, weight
    with nogil:
        out[:, :] = 0.0
        for term in range(taps.shape[0]):
            for row in range(fine_rows):
                for column in range(columns):
                    start = column * cells + first
                    low, high = max(0, -start), min(width, fine_columns - start)
                    total = 0.0
                    for k in range(low, high):
                        total += taps[term, k] * fine[row, start + k]
                    middle[row, column] = total
            for row in range(rows):
                start = row * cells + first
                low, high = max(0, -start), min(width, fine_rows - start)
                for k in range(low, high):
                    weight = strength[term] * taps[term, k]
                    for column in range(columns):
                        out[row, column] += weight * middle[start + k, column]
