"""Reaming kernels. Private: the wrappers in ``sizing.reaming`` validate and document."""

from libc.math cimport NAN


cpdef double not_measured() noexcept nogil:
    """Return the value that stands for "cannot tell"."""
    return NAN
