from numpy import int16, int32, int64, uint8
from numpy.typing import NDArray

def find_runs(
    hu: NDArray[int16], threshold_hu: int, first: NDArray[int32], start: NDArray[int32], stop: NDArray[int32]
) -> int: ...
def histogram(hu: NDArray[int16], row_step: int, counts: NDArray[int64]) -> None: ...
def label_sections(
    first: NDArray[int32], start: NDArray[int32], stop: NDArray[int32], n_rows: int, parent: NDArray[int32]
) -> None: ...
def close_gaps(
    first: NDArray[int32],
    start: NDArray[int32],
    stop: NDArray[int32],
    n_rows: int,
    parent: NDArray[int32],
    open_: NDArray[uint8],
) -> None: ...
def merge_runs(
    first: NDArray[int32],
    start: NDArray[int32],
    stop: NDArray[int32],
    open_: NDArray[uint8],
    hu: NDArray[int16],
    solid_first: NDArray[int32],
    solid_start: NDArray[int32],
    solid_stop: NDArray[int32],
    bone_count: NDArray[int32],
    bone_hu: NDArray[int64],
    hole_hu: NDArray[int64],
) -> int: ...
def link_sections(
    first: NDArray[int32],
    start: NDArray[int32],
    stop: NDArray[int32],
    section: NDArray[int32],
    n_rows: int,
    lower: NDArray[int32],
    upper: NDArray[int32],
    shared: NDArray[int32],
) -> int: ...
def paint_runs(
    first: NDArray[int32],
    start: NDArray[int32],
    stop: NDArray[int32],
    wanted: NDArray[uint8],
    n_rows: int,
    slice0: int,
    row0: int,
    column0: int,
    mask: NDArray[uint8],
) -> None: ...
