/* Loops over one contour's points in single precision, for _core.pyx, which explains what they sum up.

   They are C so that one object file can hold each of them for several processors, and so that the compiler is told
   what it may assume; everything about levels, poses and sizes is in _core.pyx. */

#ifndef CANALFIT_CONTOUR_SUMS_H
#define CANALFIT_CONTOUR_SUMS_H

#include <stdlib.h> /* says whether this is glibc */

/* One object file for old and new processors: the loader picks the version (GCC on x86-64 Linux). */
#if defined(__x86_64__) && defined(__ELF__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12
#define CANALFIT_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#if !defined(CANALFIT_PLAIN) /* the checked build leaves the written-out AVX-512 away, so that both ways are tested */
#define CANALFIT_WIDE
#include <immintrin.h>
#endif
#else
#define CANALFIT_CLONES
#endif
/* Points are always finite (unmeasured ones lie out of reach), and only then do least and greatest values vectorise. */
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
#if defined(__GNUC__) && !defined(__clang__)
#define CANALFIT_NO_OVERLAP _Pragma("GCC ivdep") /* what a loop writes is not read by it in a later turn */
#else
#define CANALFIT_NO_OVERLAP
#endif
typedef const float *CANALFIT_ALONE canalfit_in;
typedef float *CANALFIT_ALONE canalfit_out;

/* A gap between two points whose squared distances differ by more leads to an unmeasured point, out of reach. */
#define CANALFIT_NO_CORNER 1e5f
/* Points whose squared distance is more are unmeasured (half of 1000 mm out): they do not widen a contour's range. If they
   did, everything would be counted from a middle of half a square metre, and single precision would have nothing left. */
#define CANALFIT_SEEN 2.5e5f
/* Keeps divisions finite where two points are equally far, or a point lies on the axis (mm2). */
#define CANALFIT_TINY 1e-12f

/* Places where an axis passes through sections, one section a lane. */
enum { CANALFIT_BLOCK = 16 };
typedef struct {
    double travel[CANALFIT_BLOCK], cx[CANALFIT_BLOCK], cy[CANALFIT_BLOCK]; /* along the axis, and in the section (mm) */
    double a[CANALFIT_BLOCK], b[CANALFIT_BLOCK], ds[CANALFIT_BLOCK];       /* the axis's direction in the section */
} CanalfitPlaces;

/* Where a straight axis passes through n <= CANALFIT_BLOCK sections. frames points at the first one's first number; the
   next number of a section lies m further on. pose is entry and direction. */
CANALFIT_CLONES
static void canalfit_pierce(const double *CANALFIT_ALONE frames, int m, int n, const double *CANALFIT_ALONE pose,
                            CanalfitPlaces *CANALFIT_ALONE places)
{
    const double *p = frames, *s = frames + 3 * m, *u = frames + 6 * m, *v = frames + 9 * m;
    double ex = pose[0], ey = pose[1], ez = pose[2], dx = pose[3], dy = pose[4], dz = pose[5];
    for (int i = 0; i < n; i++) {
        double gx = p[i] - ex, gy = p[i + m] - ey, gz = p[i + 2 * m] - ez;
        double ds = dx * s[i] + dy * s[i + m] + dz * s[i + 2 * m];
        double a = dx * u[i] + dy * u[i + m] + dz * u[i + 2 * m], b = dx * v[i] + dy * v[i + m] + dz * v[i + 2 * m];
        double travel = (gx * s[i] + gy * s[i + m] + gz * s[i + 2 * m]) / ds;
        places->travel[i] = travel;
        places->cx[i] = travel * a - (gx * u[i] + gy * u[i + m] + gz * u[i + 2 * m]);
        places->cy[i] = travel * b - (gx * v[i] + gy * v[i + m] + gz * v[i + 2 * m]);
        places->a[i] = a;
        places->b[i] = b;
        places->ds[i] = ds;
    }
}

/* A contour displaced along its rays by se * (shared + local * field). move (n + 2) keeps by how much, and repeats the
   last point before the first and the first after the last. */
CANALFIT_CLONES
static void canalfit_displace(canalfit_in x, canalfit_in y, canalfit_in cosine, canalfit_in sine, canalfit_in se,
                              canalfit_in field, int n, float shared, float local, canalfit_out move,
                              canalfit_out to_x, canalfit_out to_y)
{
    for (int i = 0; i < n; i++) {
        float by = se[i] * (shared + local * field[i]);
        move[i + 1] = by;
        to_x[i] = x[i] + by * cosine[i];
        to_y[i] = y[i] + by * sine[i];
    }
    move[0] = move[n];
    move[n + 1] = move[1];
}

/* And its change from point to point: h (move' ray + move d ray/dtheta) is added, move' by central differences.
   An unmeasured point (no change at all) keeps none. */
CANALFIT_CLONES
static void canalfit_displace_change(canalfit_in tx, canalfit_in ty, canalfit_in cosine, canalfit_in sine,
                                     canalfit_in move, int n, canalfit_out to_x, canalfit_out to_y)
{
    float h = 6.2831853f / (float) n;
    for (int i = 0; i < n; i++) {
        float known = (float) (tx[i] * tx[i] + ty[i] * ty[i] > 0.0f);
        float turn = known * h * move[i + 1], grow = known * 0.5f * (move[i + 2] - move[i]);
        to_x[i] = tx[i] + grow * cosine[i] - turn * sine[i];
        to_y[i] = ty[i] + grow * sine[i] + turn * cosine[i];
    }
}

/* Squared distances of one contour's points to the axis; returns the least and the greatest measured one.
   rho2 (n + 1) repeats the first point at its end. What is measured is selected before it is compared: both conditions
   in one would be a branch, and the loop would no longer vectorise. */
CANALFIT_CLONES CANALFIT_FINITE
static void canalfit_distances(canalfit_in x, canalfit_in y, int n, float cx, float cy, float a, float b, float ku,
                               float kv, canalfit_out rho2, float *least, float *most)
{
    float lo = 3e38f, hi = 0.0f;
    if (ku == 0.0f && kv == 0.0f) {
        for (int i = 0; i < n; i++) {
            float qx = x[i] - cx, qy = y[i] - cy, along = a * qx + b * qy;
            float r = qx * qx + qy * qy - along * along;
            rho2[i] = r;
            lo = r < lo ? r : lo;
            float measured = r < CANALFIT_SEEN ? r : 0.0f;
            hi = measured > hi ? measured : hi;
        }
    } else {
        for (int i = 0; i < n; i++) {
            float qx = x[i] - cx, qy = y[i] - cy, along = a * qx + b * qy;
            float r = qx * qx + qy * qy - along * along / (1.0f - ku * qx - kv * qy);
            rho2[i] = r;
            lo = r < lo ? r : lo;
            float measured = r < CANALFIT_SEEN ? r : 0.0f;
            hi = measured > hi ? measured : hi;
        }
    }
    rho2[n] = rho2[0];
    *least = lo;
    *most = hi;
}

/* A contour's part in a disc about the axis. */
typedef struct {
    float least, most;           /* of its squared distances to the axis, as far as measured */
    float sum_weight, sum_area;  /* over all points: of w and of wa, see below */
    float steep;                 /* cosine of the axis to the section's normal */
    int outside;                 /* the axis runs outside the contour here: all that it cuts is beyond */
} CanalfitContour;

/* Rows of n + 2 that discs are summed from, each `row` numbers behind the one before. With everything counted from the
   middle m of the contour's squared distances (r = R^2 - m, a = rho^2 - m, a' the next point's, D = |a - a'|),

     area (twice) = sum_in w (r - a) + sum_gap s ((r - a) (r - a') + D^2 / 6)
                  = r sum_in w - sum_in wa + r (r sum_gap s - sum_gap sm) + sum_gap sp
     angle        = sum_in w + sum_gap s ((r - a) + (r - a')) = sum_in w + 2 r sum_gap s - sum_gap sm

   over the points inside the disc and the gaps that its radius lies in. So a point costs a disc a comparison and five
   additions. r and a are at most half the contour's range: the cancellation stays within what single precision has. */
enum { CANALFIT_AWAY, CANALFIT_W, CANALFIT_WA, CANALFIT_S, CANALFIT_SM, CANALFIT_SP, CANALFIT_SUM_ROWS };

/* Fill AWAY and W, and the sums of the contour; its least and greatest are known. w is J / rho^2, weighted with the
   volume element. S is left without the weights of its two ends, see canalfit_slant. Divisions are what this costs: one
   serves a point and the gap behind it. */
CANALFIT_CLONES CANALFIT_FINITE
static void canalfit_weights(canalfit_in x, canalfit_in y, canalfit_in tx, canalfit_in ty, int n, float cx, float cy,
                             float w0, float wu, float wv, canalfit_in rho2, CanalfitContour *contour, int row,
                             canalfit_out rows)
{
    canalfit_out away = rows + CANALFIT_AWAY * row, w = rows + CANALFIT_W * row, s = rows + CANALFIT_S * row;
    float middle = 0.5f * (contour->least + contour->most), sum_weight = 0.0f, sum_area = 0.0f;
    CANALFIT_NO_OVERLAP
    for (int i = 0; i < n; i++) {
        float qx = x[i] - cx, qy = y[i] - cy, d = rho2[i] - rho2[i + 1], far = rho2[i] + CANALFIT_TINY;
        d = (d < 0.0f ? -d : d) + CANALFIT_TINY;
        float both = 1.0f / (far * d);
        float weight = (qx * ty[i] - qy * tx[i]) * (w0 + wu * x[i] + wv * y[i]) * d * both;
        w[i] = weight;
        s[i] = d < CANALFIT_NO_CORNER ? 0.25f * far * both : 0.0f;
        away[i] = rho2[i] - middle;
        sum_weight += weight;
        sum_area += weight * (rho2[i] - middle);
    }
    w[n] = w[0];
    away[n] = away[0];
    away[n + 1] = away[n]; /* loops may take gaps by two: this one is never crossed */
    contour->sum_weight = sum_weight;
    contour->sum_area = sum_area;
}

/* The other rows. */
CANALFIT_CLONES
static void canalfit_slant(int n, int row, canalfit_out rows)
{
    canalfit_out away = rows + CANALFIT_AWAY * row, w = rows + CANALFIT_W * row, wa = rows + CANALFIT_WA * row;
    canalfit_out s = rows + CANALFIT_S * row, sm = rows + CANALFIT_SM * row, sp = rows + CANALFIT_SP * row;
    CANALFIT_NO_OVERLAP
    for (int i = 0; i < n; i++) {
        float slant = s[i] * (w[i] + w[i + 1]), d = away[i] - away[i + 1];
        wa[i] = w[i] * away[i];
        s[i] = slant;
        sm[i] = slant * (away[i] + away[i + 1]);
        sp[i] = slant * (away[i] * away[i + 1] + d * d * (1.0f / 6.0f));
    }
}

/* The sums of one point and the gap behind it, for the j-th of four discs. No branch: this must vectorise. */
#define CANALFIT_ADD(j)                                      \
    {                                                        \
        int here = r##j > a[i], gap = here ^ (r##j > a[i + 1]); \
        w##j += here ? w[i] : 0.0f;                          \
        wa##j += here ? wa[i] : 0.0f;                        \
        s##j += gap ? s[i] : 0.0f;                           \
        sm##j += gap ? sm[i] : 0.0f;                         \
        sp##j += gap ? sp[i] : 0.0f;                         \
    }
#define CANALFIT_SUMS(j) r##j = rr[j] - middle, w##j = 0.0f, wa##j = 0.0f, s##j = 0.0f, sm##j = 0.0f, sp##j = 0.0f
#define CANALFIT_STORE(j)                                                             \
    areas[j] = (r##j * w##j - wa##j) + (r##j * (r##j * s##j - sm##j) + sp##j), /* twice */ \
        turns[j] = w##j + (2.0f * r##j * s##j - sm##j);

/* Four discs, along the points: four, because each sum alone waits for its own last addition, and because the points
   are then loaded once. */
CANALFIT_CLONES
static void canalfit_four(canalfit_in rows, int row, int n, canalfit_in rr, float middle, canalfit_out areas,
                          canalfit_out turns)
{
    canalfit_in a = rows + CANALFIT_AWAY * row, w = rows + CANALFIT_W * row, wa = rows + CANALFIT_WA * row;
    canalfit_in s = rows + CANALFIT_S * row, sm = rows + CANALFIT_SM * row, sp = rows + CANALFIT_SP * row;
    float CANALFIT_SUMS(0), CANALFIT_SUMS(1), CANALFIT_SUMS(2), CANALFIT_SUMS(3);
    for (int i = 0; i < n; i++) {
        CANALFIT_ADD(0)
        CANALFIT_ADD(1)
        CANALFIT_ADD(2)
        CANALFIT_ADD(3)
    }
    CANALFIT_STORE(0)
    CANALFIT_STORE(1)
    CANALFIT_STORE(2)
    CANALFIT_STORE(3)
}

#define CANALFIT_LANES 16
#define CANALFIT_MOST_AT_ONCE (2 * CANALFIT_LANES)

#ifdef CANALFIT_WIDE
#define CANALFIT_AVX512 __attribute__((target("avx512f")))

/* Sums up to each lane. */
CANALFIT_AVX512 static inline __attribute__((always_inline)) __m512 canalfit_running(__m512 x)
{
#define CANALFIT_SHIFTED(by) \
    _mm512_castsi512_ps(_mm512_alignr_epi32(_mm512_castps_si512(x), _mm512_setzero_si512(), 16 - (by)))
    x = _mm512_add_ps(x, CANALFIT_SHIFTED(1));
    x = _mm512_add_ps(x, CANALFIT_SHIFTED(2));
    x = _mm512_add_ps(x, CANALFIT_SHIFTED(4));
    return _mm512_add_ps(x, CANALFIT_SHIFTED(8));
}

/* The other rows, so that a disc needs no sums over the points inside it. Those lie in stretches, and the sum over a
   stretch is the sum of all points up to its last less the sum of all up to the one before its first: both are known at
   the gap where the disc leaves or enters the contour. With W and WA the sums up to and with point i, and + at a gap
   where the distance grows (there a disc leaves), - at the others,

     SM is  +-W - sm       SP is  -+WA + sp       (for a disc that has the first point inside: W, WA of all more)
*/
CANALFIT_AVX512 static void canalfit_stretches(float *CANALFIT_ALONE rows, int row, int n)
{
    const __m512i last = _mm512_set1_epi32(15);
    const __m512 sixth = _mm512_set1_ps(1.0f / 6.0f);
    __m512 w_before = _mm512_setzero_ps(), wa_before = w_before;
    for (int i = 0; i < n; i += 16) {
        float *at = rows + i;
        __mmask16 here = n - i >= 16 ? 0xffff : (__mmask16) ((1u << (n - i)) - 1);
        __m512 w = _mm512_maskz_loadu_ps(here, at + CANALFIT_W * row);
        __m512 w_next = _mm512_maskz_loadu_ps(here, at + CANALFIT_W * row + 1);
        __m512 a = _mm512_maskz_loadu_ps(here, at), a_next = _mm512_maskz_loadu_ps(here, at + 1);
        __m512 s = _mm512_mul_ps(_mm512_maskz_loadu_ps(here, at + CANALFIT_S * row), _mm512_add_ps(w, w_next));
        __m512 d = _mm512_sub_ps(a, a_next), product = _mm512_mul_ps(a, a_next);
        __m512 sm = _mm512_mul_ps(s, _mm512_add_ps(a, a_next));
        __m512 sp = _mm512_mul_ps(s, _mm512_fmadd_ps(_mm512_mul_ps(d, d), sixth, product));
        __mmask16 leaves = _mm512_cmp_ps_mask(a, a_next, _CMP_LT_OQ);
        __m512 w_so_far = _mm512_add_ps(canalfit_running(w), w_before);
        __m512 wa_so_far = _mm512_add_ps(canalfit_running(_mm512_mul_ps(w, a)), wa_before);
        w_before = _mm512_permutexvar_ps(last, w_so_far), wa_before = _mm512_permutexvar_ps(last, wa_so_far);
        sp = _mm512_mask_sub_ps(_mm512_add_ps(sp, wa_so_far), leaves, sp, wa_so_far);
        w_so_far = _mm512_mask_sub_ps(w_so_far, (__mmask16) ~leaves, _mm512_setzero_ps(), w_so_far);
        _mm512_mask_storeu_ps(at + CANALFIT_S * row, here, s);
        _mm512_mask_storeu_ps(at + CANALFIT_SM * row, here, _mm512_sub_ps(w_so_far, sm));
        _mm512_mask_storeu_ps(at + CANALFIT_SP * row, here, sp);
    }
}

/* 16 or 32 discs in the lanes of one or two registers, gaps one by one: no sums across lanes, one comparison serves
   two gaps, and a masked addition needs no selection. Even and odd gaps have sums of their own, so that no addition
   waits for the one before. The rows have been through canalfit_stretches. */
CANALFIT_AVX512 static inline __attribute__((always_inline)) void canalfit_lanes(
    const int blocks, canalfit_in rows, int row, int n, canalfit_in rr, const CanalfitContour *contour, float middle,
    canalfit_out areas, canalfit_out turns)
{
    canalfit_in point = rows;
    __m512 r[2], s[2][2], sm[2][2], sp[2][2];
    __mmask16 here[2];
    for (int k = 0; k < blocks; k++) {
        r[k] = _mm512_sub_ps(_mm512_loadu_ps(rr + k * CANALFIT_LANES), _mm512_set1_ps(middle));
        here[k] = _mm512_cmp_ps_mask(r[k], _mm512_set1_ps(point[0]), _CMP_GT_OQ);
        s[k][0] = s[k][1] = sm[k][1] = sp[k][1] = _mm512_setzero_ps();
        sm[k][0] = _mm512_maskz_mov_ps(here[k], _mm512_set1_ps(contour->sum_weight));
        sp[k][0] = _mm512_maskz_mov_ps(here[k], _mm512_set1_ps(-contour->sum_area));
    }
    for (int i = 0; i < n; i += 2) {
        for (int o = 0; o < 2; o++, point++) { /* even and odd gaps */
            __m512 next = _mm512_set1_ps(point[1]), is = _mm512_set1_ps(point[CANALFIT_S * row]);
            __m512 ism = _mm512_set1_ps(point[CANALFIT_SM * row]), isp = _mm512_set1_ps(point[CANALFIT_SP * row]);
            for (int k = 0; k < blocks; k++) {
                __mmask16 after = _mm512_cmp_ps_mask(r[k], next, _CMP_GT_OQ), gap = _mm512_kxor(here[k], after);
                s[k][o] = _mm512_mask_add_ps(s[k][o], gap, s[k][o], is);
                sm[k][o] = _mm512_mask_add_ps(sm[k][o], gap, sm[k][o], ism);
                sp[k][o] = _mm512_mask_add_ps(sp[k][o], gap, sp[k][o], isp);
                here[k] = after;
            }
        }
    }
    for (int k = 0; k < blocks; k++) {
        __m512 all_s = _mm512_add_ps(s[k][0], s[k][1]), all_sm = _mm512_add_ps(sm[k][0], sm[k][1]);
        __m512 all_sp = _mm512_add_ps(sp[k][0], sp[k][1]), slope = _mm512_fmadd_ps(r[k], all_s, all_sm);
        _mm512_storeu_ps(areas + k * CANALFIT_LANES, _mm512_fmadd_ps(r[k], slope, all_sp));
        _mm512_storeu_ps(turns + k * CANALFIT_LANES, _mm512_fmadd_ps(r[k], all_s, slope));
    }
}

CANALFIT_AVX512 static void canalfit_sixteen(canalfit_in rows, int row, int n, canalfit_in rr,
                                             const CanalfitContour *contour, float middle, canalfit_out areas,
                                             canalfit_out turns)
{
    canalfit_lanes(1, rows, row, n, rr, contour, middle, areas, turns);
}

CANALFIT_AVX512 static void canalfit_thirtytwo(canalfit_in rows, int row, int n, canalfit_in rr,
                                               const CanalfitContour *contour, float middle, canalfit_out areas,
                                               canalfit_out turns)
{
    canalfit_lanes(2, rows, row, n, rr, contour, middle, areas, turns);
}
#endif

/* Sums for any number of discs, by whatever way this processor knows; the rows are used up. Arrays have room for
   CANALFIT_MOST_AT_ONCE more. */
static void canalfit_sums(float *rows, int row, int n, const CanalfitContour *contour, const float *rr, int k,
                          float *areas, float *turns)
{
    float middle = 0.5f * (contour->least + contour->most);
    int j = 0;
#ifdef CANALFIT_WIDE
    if (k > 0 && __builtin_cpu_supports("avx512f")) {
        canalfit_stretches(rows, row, n);
        for (; j < k - CANALFIT_LANES; j += 2 * CANALFIT_LANES)
            canalfit_thirtytwo(rows, row, n, rr + j, contour, middle, areas + j, turns + j);
        for (; j < k; j += CANALFIT_LANES)
            canalfit_sixteen(rows, row, n, rr + j, contour, middle, areas + j, turns + j);
    }
#endif
    if (j < k)
        canalfit_slant(n, row, rows);
    for (; j < k; j += 4)
        canalfit_four(rows, row, n, rr + j, middle, areas + j, turns + j);
}

/* Area and angle beyond the contour of discs of squared radii rr, in mm2 and radians. Discs that reach beyond all of
   the contour are known in closed form; they are left out where they come last. */
CANALFIT_CLONES
static void canalfit_discs(float *CANALFIT_ALONE rows, int row, int n, const CanalfitContour *contour, canalfit_in rr,
                           int k, canalfit_out beyond, canalfit_out angle)
{
    const float pi = 3.14159265f;
    float steep = contour->steep, whole = contour->sum_weight, area = contour->sum_area;
    float all = contour->outside ? pi / steep : 0.0f, turn = contour->outside ? 2.0f * pi : 0.0f;
    float middle = 0.5f * (contour->least + contour->most);
    int cut = k, rounded = (k + CANALFIT_LANES - 1) / CANALFIT_LANES * CANALFIT_LANES;
    while (cut > 0 && rr[cut - 1] >= contour->most)
        cut--;
    canalfit_sums(rows, row, n, contour, rr, cut, beyond, angle);
    for (int j = cut; j < rounded; j++)
        beyond[j] = (rr[j] - middle) * whole - area, angle[j] = whole;
    for (int j = 0; j < rounded; j++) { /* rounding must not leave what is possible */
        float b = 0.5f * beyond[j] + all * rr[j], t = steep * angle[j] + turn;
        beyond[j] = b > 0.0f ? b : 0.0f;
        t = t > 0.0f ? t : 0.0f;
        angle[j] = t < 2.0f * pi ? t : 2.0f * pi;
    }
}

/* One level's discs into the totals of every size. along : the slab's length along the tool; outside may be NULL. */
CANALFIT_CLONES
static void canalfit_collect(canalfit_in beyond, canalfit_in angle, const float *outside,
                             const double *CANALFIT_ALONE radius, int k, double slab, double along,
                             double *CANALFIT_ALONE cortical, double *CANALFIT_ALONE medullary,
                             double *CANALFIT_ALONE beyond_bone, double *CANALFIT_ALONE flank)
{
    for (int j = 0; j < k; j++) {
        cortical[j] += slab * beyond[j];
        medullary[j] -= slab * beyond[j];
        flank[j] += along * angle[j] * radius[j];
    }
    if (outside)
        for (int j = 0; j < k; j++) {
            cortical[j] -= slab * outside[j];
            beyond_bone[j] += slab * outside[j];
        }
}

/* One level's discs as they are shown: cortical area, share of the turn, area beyond the bone. */
CANALFIT_CLONES
static void canalfit_show(canalfit_in beyond, canalfit_in angle, const float *outside, int k, double share,
                          double *CANALFIT_ALONE cortical, double *CANALFIT_ALONE contact,
                          double *CANALFIT_ALONE beyond_bone)
{
    for (int j = 0; j < k; j++) {
        cortical[j] = beyond[j];
        contact[j] = angle[j] * share;
    }
    if (outside)
        for (int j = 0; j < k; j++) {
            cortical[j] -= outside[j];
            beyond_bone[j] = outside[j];
        }
}

#endif
