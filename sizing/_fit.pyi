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
