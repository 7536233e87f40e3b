from numpy import float32, floating
from numpy.typing import NDArray

def draw_plane(
    axis: NDArray[floating],
    surfaces: NDArray[floating],
    levels: NDArray[floating],
    constants: NDArray[floating],
    x0: float,
    y0: float,
    z: float,
    block: int,
    out: NDArray[float32],
) -> None: ...
def blur_plane(
    fine: NDArray[float32],
    taps: NDArray[float32],
    strength: NDArray[float32],
    first: int,
    cells: int,
    middle: NDArray[float32],
    out: NDArray[float32],
) -> None: ...
