from numpy import int_
from numpy.typing import NDArray

from sizing.geometry import FloatArray

def counted_points(
    points: FloatArray,
    margin: FloatArray,
    entry: FloatArray,
    frame: FloatArray,
    bow_radius: float,
    length: float,
    before: FloatArray,
    position: FloatArray,
    travel: FloatArray,
    room: FloatArray,
) -> int: ...
def widest(
    rows: FloatArray,
    cost: FloatArray,
    k: int,
    basis: NDArray[int_],
    vertex: FloatArray,
    tolerance: float,
    most_steps: int,
) -> bool: ...
