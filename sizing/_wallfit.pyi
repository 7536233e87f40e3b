from numpy.typing import NDArray

N_ROW: int
N_SCAN_VALUES: int
N_PARAM: int
N_STATS: int
N_LAGS: int

def fit_walls(
    hu: NDArray,
    rows: NDArray,
    scan: NDArray,
    params: NDArray,
    stats: NDArray,
    lag_sums: NDArray,
    moves: int,
    globals_too: bool,
) -> None: ...
