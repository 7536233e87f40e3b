"""Slow NumPy twins of the kernels in ``sizing/_search.pyx`` and ``sizing/_fit.pyx``."""

import numpy as np


def widest_clearance(normals, offsets_mm, box, reach=None, tolerance=1e-10, most_steps=500):
    n, k = normals.shape
    # Columns of the dual: the n constraints, then +v <= box, -v <= box, r <= big.
    big = float(np.max(np.abs(offsets_mm)) + np.abs(normals).sum(axis=1).max() * np.max(box) + 1.0)
    columns = np.zeros((n + 2 * k + 1, k + 1))
    columns[:n, :k], columns[:n, k] = normals, 1.0 if reach is None else reach
    columns[n : n + k, :k], columns[n + k : n + 2 * k, :k] = np.eye(k), -np.eye(k)
    columns[-1, k] = 1.0
    cost = np.concatenate([offsets_mm, box, box, [big]])
    basis = np.append(np.arange(n, n + k), n + 2 * k)
    goal = np.append(np.zeros(k), 1.0)
    for _ in range(most_steps):
        matrix = columns[basis].T
        multipliers = np.linalg.solve(matrix.T, cost[basis])  # = (v, r) of the primal vertex
        slack = cost - columns @ multipliers
        entering = int(np.argmin(slack))
        if slack[entering] > -tolerance:
            break
        weights, direction = np.linalg.solve(matrix, np.stack([goal, columns[entering]], axis=1)).T
        usable = direction > 1e-12
        if not usable.any():
            break
        ratio = np.full(k + 1, np.inf)
        ratio[usable] = np.maximum(weights[usable], 0.0) / direction[usable]
        # Among ties leave the row with the largest pivot: steadier, and it does not cycle in practice.
        ties = np.flatnonzero(ratio <= ratio.min() + 1e-14)
        basis[ties[np.argmax(direction[ties])]] = entering
    return multipliers[:k], float(multipliers[k])


def counted_points(points, margin, entry, frame, bow_radius, length):
    """Position, travel and room of every contour point that counts, one point at a time."""

    def across(p):
        along, inward, sideways = frame @ (p - entry)
        if bow_radius:
            far = bow_radius - inward
            return np.array([bow_radius - np.hypot(far, along), sideways, bow_radius * np.arctan2(along, far)])
        return np.array([inward, sideways, along])

    found = []
    m, n = margin.shape
    for k in range(m):
        for j in range(n):
            here = across(points[k, j])
            if k > 0:
                last = across(points[k - 1, j])
                for rim in (0.0, length):
                    if last[2] <= rim < here[2]:
                        q = last + (rim - last[2]) / (here[2] - last[2]) * (here - last)
                        found.append([q[0], q[1], rim, np.hypot(q[0], q[1]) - margin[k - 1, j]])
            if 0.0 <= here[2] <= length:
                found.append([*here, np.hypot(here[0], here[1]) - margin[k, j]])
    return np.array(found)


def least_room(points, margin, pose, bow_radius, high):
    entry, d, x = pose
    room = counted_points(points, margin, entry, np.stack([d, x, np.cross(d, x)]), bow_radius, high)[:, 3]
    return room.min()


def climb(points, margin, pose, bow_radius, length, normal, max_tilt_rad, room=3.0):
    """Rounds of the linear programme about a pose (entry, direction, x), entered at the plane through the origin."""
    clear = least_room(points, margin, pose, bow_radius, length)
    while room > 1e-3:
        v, _ = widest_clearance(*rows_about(points, margin, pose, bow_radius, length, normal, max_tilt_rad, room))
        moved = entered(nudged(pose, v, bow_radius, length), bow_radius, normal)
        gain = least_room(points, margin, moved, bow_radius, length) - clear
        if gain <= 0:
            room /= 4
            continue
        pose, clear, room = moved, clear + gain, min(room, max(3 * np.abs(v).max(), 1e-3))
        if gain < 1e-3:
            break
    return pose, clear


def rows_about(points, margin, pose, bow_radius, length, normal, max_tilt_rad, room):
    entry, d, x = pose
    frame = np.stack([d, x, np.cross(d, x)])
    counted = counted_points(points, margin, entry, frame, bow_radius, length)
    e = counted[:, :2] / np.hypot(counted[:, 0], counted[:, 1])[:, None]
    travel = counted[:, 2]
    if bow_radius:
        angle, far = travel / bow_radius, length / bow_radius
        lever, turn = np.sin(angle) / np.sin(far), (1 - np.cos(angle)) / (1 - np.cos(far))
        columns = [e[:, 0] * np.cos(angle), e[:, 1], e[:, 0] * lever, e[:, 1] * lever, e[:, 1] * turn]
    else:
        columns = [e[:, 0], e[:, 1], e[:, 0] * travel / length, e[:, 1] * travel / length]
    around = np.arange(8) * np.pi / 4
    ways = np.stack([np.cos(around), np.sin(around)], axis=1)
    cone = np.zeros((8, len(columns)))
    cone[:, 2:4] = ways / length
    slope = frame[1:] @ normal / (d @ normal)
    offsets = np.append(counted[:, 3], np.tan(max_tilt_rad) * np.cos(np.pi / 8) + ways @ slope)
    reach = np.append(np.ones(len(counted)), np.zeros(8))
    return np.vstack([np.stack(columns, axis=1), cone]), offsets, np.full(len(columns), room), reach


def nudged(pose, v, bow_radius, length):
    entry, d, x = pose
    y = np.cross(d, x)
    lever = bow_radius * np.sin(length / bow_radius) if bow_radius else length
    turn = v[4] / (bow_radius * (1 - np.cos(length / bow_radius))) if bow_radius else 0.0
    return squared(entry + v[0] * x + v[1] * y, d + (v[2] * x + v[3] * y) / lever, x + turn * y)


def entered(pose, bow_radius, normal):
    """The same curve from where it meets the plane through the origin, by many small steps along it."""
    entry, d, x = pose
    if not bow_radius:
        return entry - (entry @ normal) / (d @ normal) * d, d, x
    centre, travel = entry + bow_radius * x, 0.0
    for _ in range(50):
        c, s = np.cos(travel / bow_radius), np.sin(travel / bow_radius)
        point = entry + bow_radius * (s * d + (1 - c) * x)
        travel -= (point @ normal) / ((c * d + s * x) @ normal)
    return squared(point, c * d + s * x, centre - point)


def squared(entry, d, x):
    d = d / np.linalg.norm(d)
    x = x - (x @ d) * d
    return entry, d, x / np.linalg.norm(x)


def disc_against_contour(xy, radius, samples=20000):
    """Area of a disc about the origin inside a star-shaped polygon, angle where it is nearer, by plain sampling."""
    theta = np.linspace(-np.pi, np.pi, samples, endpoint=False)
    d = np.stack([np.cos(theta), np.sin(theta)], axis=-1)
    reach = np.full(samples, np.inf)
    for a, b in zip(xy, np.roll(xy, -1, axis=0), strict=True):
        e = b - a
        det = d[:, 0] * e[1] - d[:, 1] * e[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (a[0] * e[1] - a[1] * e[0]) / det
            s = (a[0] * d[:, 1] - a[1] * d[:, 0]) / det
        hit = (t > 0) & (s >= 0) & (s <= 1)
        reach[hit] = np.minimum(reach[hit], t[hit])
    step = 2 * np.pi / samples
    return 0.5 * step * (np.minimum(reach, radius) ** 2).sum(), step * (reach < radius).sum()
