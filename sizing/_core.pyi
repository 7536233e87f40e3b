from typing import Any

from numpy.typing import NDArray

class Contours:
    n_levels: int
    n_points: int
    def __init__(
        self,
        inner: NDArray[Any],
        outer: NDArray[Any],
        frames: NDArray[Any],
        native: NDArray[Any],
        innermost: NDArray[Any],
    ) -> None: ...
    def room_for(self, radii: int) -> int: ...
    def evaluate(
        self,
        pose: NDArray[Any],
        radius: NDArray[Any],
        depth: float,
        work: NDArray[Any],
        totals: NDArray[Any],
        by_level: NDArray[Any],
        nearest: NDArray[Any],
    ) -> int: ...
    def evaluate_many(
        self,
        poses: NDArray[Any],
        radius: NDArray[Any],
        depth: NDArray[Any],
        work: NDArray[Any],
        totals: NDArray[Any],
    ) -> None: ...
    def profiles(
        self,
        pose: NDArray[Any],
        radius: NDArray[Any],
        work: NDArray[Any],
        out: NDArray[Any],
        nearest: NDArray[Any],
    ) -> None: ...
    def astray(
        self,
        poses: NDArray[Any],
        radius: NDArray[Any],
        depth: NDArray[Any],
        oversize: NDArray[Any],
        rays: NDArray[Any],
        se: NDArray[Any],
        fields: NDArray[Any],
        shared: NDArray[Any],
        local: float,
        work: NDArray[Any],
        drawn: NDArray[Any],
        totals: NDArray[Any],
    ) -> None: ...
