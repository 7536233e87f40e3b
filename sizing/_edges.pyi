from numpy.typing import NDArray

def sample_rays(hu: NDArray, start: NDArray, step: NDArray, out: NDArray) -> None: ...
def window_means(profile: NDArray, low: NDArray, high: NDArray, out: NDArray) -> None: ...
def mask_exit(mask: NDArray, start: NDArray, step: NDArray, k: int, gap: int, out: NDArray) -> None: ...
def half_maximum(
    profile: NDArray,
    limit: NDArray,
    cortex: NDArray,
    content: NDArray,
    outside: NDArray,
    reach: float,
    hold: float,
    least_share: float,
    inner: NDArray,
    outer: NDArray,
    peak: NDArray,
) -> None: ...
