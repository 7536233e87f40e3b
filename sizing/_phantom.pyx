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

from libc.math cimport atan2, exp, fabs, floor, sqrt

cdef double TWO_PI = 6.283185307179586


cdef struct Bone:  # the scalars of one bone and of the grid it is drawn on
    double first  # depth of the tables' first row
    double step  # depth between rows
    double h  # side of a cell
    double hz  # height of a cell
    double background  # HU round the bone
    double cancellous  # HU on the endosteum
    double decay
    double end  # depth of a cut end, -inf = none
    double porosity, porosity_power
    double pin_radius  # 0 = none
    double pin_u
    double pin_v
    double pin_hu


cdef struct Foot:  # foot of a point on the axis, and the point's place in that section
    double depth
    double x
    double y


cdef struct Place:  # cell of the tables: rows i and i + 1, angles j and j1, and how far between
    Py_ssize_t i
    Py_ssize_t j
    Py_ssize_t j1
    double f
    double g
    double cosine
    double sine


cdef struct Edge:  # one surface seen from a point
    double radius
    double gap  # distance along the normal, positive outside
    double inside  # share of the cell inside the surface


cdef inline double ramp(double distance, double width) noexcept nogil:
    """Share of a cell that lies inside (distance < 0)."""
    cdef double share = 0.5 - distance / width
    return 0.0 if share < 0.0 else (1.0 if share > 1.0 else share)


cdef inline double along(const double[:, ::1] axis, Py_ssize_t i, double f, int k,
                         double dx, double dy, double dz) noexcept nogil:
    """Component of (dx, dy, dz) along the vector that starts at column k of the axis table."""
    return (dx * (axis[i, k] * (1 - f) + axis[i + 1, k] * f)
            + dy * (axis[i, k + 1] * (1 - f) + axis[i + 1, k + 1] * f)
            + dz * (axis[i, k + 2] * (1 - f) + axis[i + 1, k + 2] * f))


cdef inline Foot find_foot(const double[:, ::1] axis, Bone* bone, double start,
                           double px, double py, double pz) noexcept nogil:
    """Foot of a point on the axis. Rows of ``axis``: point, s, u, v (3 each).

    The cell before was near: one step leaves (cell * bend of the axis) of an error, which the next step takes.
    """
    cdef Foot foot
    cdef double depth = start, t, f, dx, dy, dz
    cdef Py_ssize_t i, last = axis.shape[0] - 2
    cdef int turn
    for turn in range(2):
        t = (depth - bone.first) / bone.step
        i = <Py_ssize_t>floor(t)
        i = 0 if i < 0 else (last if i > last else i)
        f = t - i
        dx = px - (axis[i, 0] * (1 - f) + axis[i + 1, 0] * f)
        dy = py - (axis[i, 1] * (1 - f) + axis[i + 1, 1] * f)
        dz = pz - (axis[i, 2] * (1 - f) + axis[i + 1, 2] * f)
        if turn == 0:
            depth += along(axis, i, f, 3, dx, dy, dz)
    foot.depth = depth
    foot.x = along(axis, i, f, 6, dx, dy, dz)
    foot.y = along(axis, i, f, 9, dx, dy, dz)
    return foot


cdef inline double cell_width(const double[:, ::1] axis, Py_ssize_t i, Bone* bone,
                              double n_s, double n_u, double n_v) noexcept nogil:
    """Width of the ramp for a surface whose normal is n_s s + n_u u + n_v v."""
    cdef double nx = n_s * axis[i, 3] + n_u * axis[i, 6] + n_v * axis[i, 9]
    cdef double ny = n_s * axis[i, 4] + n_u * axis[i, 7] + n_v * axis[i, 10]
    cdef double nz = n_s * axis[i, 5] + n_u * axis[i, 8] + n_v * axis[i, 11]
    return sqrt((bone.h * nx) ** 2 + (bone.h * ny) ** 2 + (bone.hz * nz) ** 2)


cdef inline double bilinear(const double[:, :, ::1] surfaces, Place* at, int which) noexcept nogil:
    return ((surfaces[at.i, at.j, which] * (1 - at.g) + surfaces[at.i, at.j1, which] * at.g) * (1 - at.f)
            + (surfaces[at.i + 1, at.j, which] * (1 - at.g) + surfaces[at.i + 1, at.j1, which] * at.g) * at.f)


cdef inline Edge see_edge(const double[:, ::1] axis, const double[:, :, ::1] surfaces, Bone* bone, Place* at,
                          int which, double r) noexcept nogil:
    """Distance to one surface and the share of the cell inside it; slopes are over the surface's own radius."""
    cdef Edge edge
    cdef double a00 = surfaces[at.i, at.j, which], a01 = surfaces[at.i, at.j1, which]
    cdef double a10 = surfaces[at.i + 1, at.j, which], a11 = surfaces[at.i + 1, at.j1, which]
    cdef double slope_s, slope_t, steep
    edge.radius = (a00 * (1 - at.g) + a01 * at.g) * (1 - at.f) + (a10 * (1 - at.g) + a11 * at.g) * at.f
    slope_s = ((a10 - a00) * (1 - at.g) + (a11 - a01) * at.g) / bone.step
    slope_t = ((a01 - a00) * (1 - at.f) + (a11 - a10) * at.f) * surfaces.shape[1] / TWO_PI / edge.radius
    steep = sqrt(1 + slope_s * slope_s + slope_t * slope_t)
    edge.gap = (r - edge.radius) / steep
    edge.inside = ramp(edge.gap, cell_width(
        axis, at.i, bone, -slope_s / steep,
        (at.cosine + slope_t * at.sine) / steep, (at.sine - slope_t * at.cosine) / steep,
    ))
    return edge


cdef inline double mixed(const double[:, ::1] axis, const double[:, :, ::1] surfaces, Bone* bone, Place* at,
                         double r, double canal, double* clear) noexcept nogil:
    """HU excess of a cell near the wall; ``clear`` = distance to the nearest place where HU changes."""
    cdef Edge inner = see_edge(axis, surfaces, bone, at, 0, r)
    cdef Edge outer = see_edge(axis, surfaces, bone, at, 1, r)
    cdef double wall = bilinear(surfaces, at, 2), inward
    clear[0] = min(fabs(inner.gap), fabs(outer.gap))
    if bone.cancellous != 0.0 and inner.inside > 0.0:
        canal += bone.cancellous * exp((inner.gap if inner.gap < 0.0 else 0.0) / bone.decay)
        clear[0] = 0.0
    if bone.porosity != 0.0 and r < outer.radius:
        inward = 1.0 if r < inner.radius else (outer.radius - r) / (outer.radius - inner.radius)
        wall *= 1.0 - bone.porosity * inward ** bone.porosity_power
        clear[0] = 0.0
    if outer.inside < inner.inside:
        inner.inside = outer.inside
    return inner.inside * canal + (outer.inside - inner.inside) * wall - outer.inside * bone.background


cdef inline double excess(const double[:, ::1] axis, const double[:, :, ::1] surfaces, const double[:, ::1] levels,
                          Bone* bone, Foot foot, double* clear) noexcept nogil:
    """HU over the background of the cell whose foot is given."""
    cdef double reach = 2 * (bone.h + bone.hz), r, g, canal, value
    cdef double t = (foot.depth - bone.first) / bone.step
    cdef Py_ssize_t n = surfaces.shape[1]
    cdef Place at
    clear[0] = 0.0
    at.i = <Py_ssize_t>floor(t)
    if at.i < 0 or at.i > axis.shape[0] - 2:
        return 0.0
    at.f = t - at.i
    r = sqrt(foot.x * foot.x + foot.y * foot.y)
    if r > levels[at.i, 2] + reach:
        clear[0] = r - levels[at.i, 2]
        return 0.0
    canal = levels[at.i, 0] * (1 - at.f) + levels[at.i + 1, 0] * at.f
    if bone.cancellous == 0.0 and r < levels[at.i, 1] - reach:
        value = canal - bone.background
        clear[0] = levels[at.i, 1] - r
    else:
        g = atan2(foot.y, foot.x) * n / TWO_PI
        at.j = <Py_ssize_t>floor(g)
        at.g = g - at.j
        at.j = (at.j + n) % n
        at.j1 = (at.j + 1) % n
        at.cosine, at.sine = foot.x / max(r, 1e-9), foot.y / max(r, 1e-9)
        value = mixed(axis, surfaces, bone, &at, r, canal, clear)
    if bone.pin_radius > 0.0:
        g = ramp(sqrt((foot.x - bone.pin_u) ** 2 + (foot.y - bone.pin_v) ** 2) - bone.pin_radius, bone.h)
        value += g * (bone.pin_hu - bone.background - value)
        clear[0] = 0.0
    if foot.depth < bone.end + reach:
        value *= ramp(bone.end - foot.depth, cell_width(axis, at.i, bone, 1.0, 0.0, 0.0))
        clear[0] = 0.0
    return value


def draw_plane(const double[:, ::1] axis, const double[:, :, ::1] surfaces, const double[:, ::1] levels,
               const double[::1] constants, double x0, double y0, double z, Py_ssize_t block, float[:, ::1] out):
    """Fill ``out`` (rows, columns) with the HU excess of one bone on the plane z.

    axis : (k, 12) point, s, u, v by depth. surfaces : (k, n, 3) endosteal radius, periosteal radius,
    wall HU. levels : (k, 3) canal HU, least endosteal radius, greatest periosteal radius.
    constants : the fields of ``Bone`` in their order. x0, y0 : centre of the first cell.
    block : cells are drawn in squares of this side; one that lies clear of every surface is filled at once.
    """
    cdef Bone bone
    cdef Py_ssize_t rows = out.shape[0], columns = out.shape[1], stripe, square, top, left, row, column
    cdef Py_ssize_t k = axis.shape[0]
    cdef double start, row_start, square_start, value, clear, middle
    cdef Foot foot
    bone.first, bone.step, bone.h, bone.hz = constants[0], constants[1], constants[2], constants[3]
    bone.background, bone.cancellous, bone.decay = constants[4], constants[5], constants[6]
    bone.end, bone.porosity, bone.porosity_power = constants[7], constants[8], constants[9]
    bone.pin_radius, bone.pin_u, bone.pin_v, bone.pin_hu = constants[10], constants[11], constants[12], constants[13]
    middle = 0.5 * (block - 1)
    with nogil:
        # Start where the axis would cross the plane if it were straight; the first squares are far from bone.
        row_start = bone.first + (k // 2) * bone.step + (z - axis[k // 2, 2]) / axis[k // 2, 5]
        for stripe in range((rows + block - 1) // block):
            top = stripe * block
            square_start = row_start
            for square in range((columns + block - 1) // block):
                left = square * block
                foot = find_foot(axis, &bone, square_start, x0 + (left + middle) * bone.h,
                                 y0 + (top + middle) * bone.h, z)
                square_start = foot.depth
                if left == 0:
                    row_start = foot.depth
                value = excess(axis, surfaces, levels, &bone, foot, &clear)
                if clear > block * (bone.h + bone.hz):
                    for row in range(top, min(top + block, rows)):
                        for column in range(left, min(left + block, columns)):
                            out[row, column] = <float>value
                    continue
                for row in range(top, min(top + block, rows)):
                    start = square_start
                    for column in range(left, min(left + block, columns)):
                        foot = find_foot(axis, &bone, start, x0 + column * bone.h, y0 + row * bone.h, z)
                        start = foot.depth
                        out[row, column] = <float>excess(axis, surfaces, levels, &bone, foot, &clear)


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
