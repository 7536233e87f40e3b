"""The lesser and the greater of two numbers, inline: the C library's are calls, for the sake of NaN."""


cdef inline double least_of(double a, double b) noexcept nogil:
    return a if a < b else b


cdef inline double most_of(double a, double b) noexcept nogil:
    return a if a > b else b
