from numpy import int_
from numpy.typing import NDArray

from sizing.geometry import FloatArray

def least_room(
    points: FloatArray,
    margin: FloatArray,
    pose: FloatArray,
    what: FloatArray,
    before: FloatArray,
    counted: FloatArray,
) -> tuple[float, int]: ...
def climb(
    points: FloatArray,
    margin: FloatArray,
    pose: FloatArray,
    what: FloatArray,
    room: float,
    converged: float,
    least_move: float,
    reach: float,
    most_rounds: int,
    before: FloatArray,
    counted: FloatArray,
    rows: FloatArray,
    cost: FloatArray,
) -> float: ...
def widest(
    rows: FloatArray,
    cost: FloatArray,
    k: int,
    basis: NDArray[int_],
    vertex: FloatArray,
    tolerance: float,
    most_steps: int,
) -> bool: ...
