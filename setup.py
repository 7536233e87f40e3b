"""Builds the Cython kernels; everything else is in pyproject.toml.

Compiler directives and flags live here once. ``SIZING_CYTHON_DEBUG=1`` builds the same sources
with bounds checks, for the tests.
"""

import os
import sys
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

DEBUG = os.environ.get("SIZING_CYTHON_DEBUG") == "1"

# -ffinite-math-only is left out on purpose: NaN means "cannot tell" and must stay testable.
FAST = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math", "-freciprocal-math"]
FLAGS = ["/O2"] if sys.platform == "win32" else (["-O1", "-g"] if DEBUG else FAST)

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": DEBUG,
    "wraparound": DEBUG,
    "initializedcheck": DEBUG,
    "cdivision": not DEBUG,
    "nonecheck": DEBUG,
    "embedsignature": True,
}

extensions = [
    Extension(
        f"sizing.{source.stem}",
        [str(source)],
        include_dirs=[numpy.get_include(), "sizing"],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"), *([("CANALFIT_PLAIN", "1")] if DEBUG else [])],
        depends=["sizing/_extremes.pxd", "sizing/_contour_sums.h"],  # goes into the source distribution, too
        extra_compile_args=FLAGS,
    )
    for source in (Path(p) for p in sorted(Path("sizing").glob("_*.pyx")))
]

setup(
    ext_modules=cythonize(
        extensions,
        compiler_directives=DIRECTIVES,
        build_dir="build/cython-debug" if DEBUG else "build/cython",
    )
)
