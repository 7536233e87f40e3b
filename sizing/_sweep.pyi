from typing import Any

from numpy.typing import NDArray

class Sections:
    n_sections: int
    n_rays: int
    n_passes: int
    def __init__(
        self,
        marrow: NDArray[Any],
        canal: NDArray[Any],
        bone: NDArray[Any],
        frames: NDArray[Any],
        tools: NDArray[Any],
        pieces: NDArray[Any],
        n_pieces: NDArray[Any],
        active: NDArray[Any],
        axis_of: NDArray[Any],
    ) -> None: ...
    def sweep(
        self,
        out: NDArray[Any],
        covered: NDArray[Any],
        kinds: NDArray[Any],
        cell_sum: NDArray[Any],
        first: int,
        end: int,
    ) -> None: ...
    def edges(self, hole_edge: NDArray[Any], tool_edge: NDArray[Any]) -> None: ...
    def walls(self, lean: NDArray[Any], least: NDArray[Any], theta: NDArray[Any], first: int, end: int) -> None: ...
    def residual(self, after_pass: int, out: NDArray[Any]) -> None: ...
