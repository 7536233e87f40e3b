from sizing.geometry import FloatArray

def disc_sums(
    xy: FloatArray,
    edges: FloatArray,
    radius: FloatArray,
    area: FloatArray,
    arc: FloatArray,
    reach: FloatArray,
) -> None: ...
def least_walls(
    endosteal_rho: FloatArray,
    periosteal_rho: FloatArray,
    native_wall: FloatArray,
    radius: FloatArray,
    cut: FloatArray,
    native: FloatArray,
) -> None: ...
def across_axis(
    points: FloatArray,
    entry: FloatArray,
    frame: FloatArray,
    bow_radius: float,
    xy: FloatArray,
    rho: FloatArray,
    travel: FloatArray,
) -> None: ...
def contour_edges(xy: FloatArray, rho: FloatArray, edges: FloatArray) -> None: ...
