"""Elementary functions that the compiler can vectorise, for use inside numba kernels only.

numba calls the C library for ``exp`` and ``log``, one number at a time. The versions here are plain
arithmetic, so a loop over them runs several numbers per instruction. They name their own
``fastmath`` flags, because numba otherwise hands the flags of the calling kernel down: the range
reduction loses its meaning if the compiler may regroup it, as kernels allow for their sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["fast_exp", "fast_log"]

_LOG2_E = 1.4426950408889634
# ln 2 in two parts: the first ends in so many zeros that its product with an exponent is exact.
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_ROUND = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to a whole number in the low bits
_SMALLEST, _LARGEST = -708.0, 709.0


@njit(error_model="numpy", fastmath={"contract"}, forceinline=True)
def fast_exp(x: Any) -> Any:
    """Return ``exp(x)`` of a float64 scalar, to about 2e-16 relative.

    Arguments below -708 and above 709 are taken as these limits, so that the result is never zero,
    subnormal or infinite. NaN gives NaN.

    Examples
    --------
    >>> from astrokit.fastmath import fast_exp
    >>> round(fast_exp(1.0), 12)
    2.718281828459
    """
    x = min(max(x, _SMALLEST), _LARGEST)
    shifted = x * _LOG2_E + _ROUND
    whole = shifted - _ROUND
    r = (x - whole * _LN2_HIGH) - whole * _LN2_LOW
    # Taylor series on |r| <= ln(2)/2: the first term left out is below 1e-17.
    p = 1.6059043836821613e-10
    p = p * r + 2.08767569878681e-09
    p = p * r + 2.505210838544172e-08
    p = p * r + 2.755731922398589e-07
    p = p * r + 2.7557319223985893e-06
    p = p * r + 2.48015873015873e-05
    p = p * r + 1.984126984126984e-04
    p = p * r + 1.388888888888889e-03
    p = p * r + 8.333333333333333e-03
    p = p * r + 4.1666666666666664e-02
    p = p * r + 1.6666666666666666e-01
    p = p * r + 0.5
    p = p * r * r + r + 1.0
    # The whole number sits in the low bits of `shifted`; moved up it is the exponent of 2**whole.
    bits = (np.float64(shifted).view(np.int64) + np.int64(1023)) << np.int64(52)
    return p * np.int64(bits).view(np.float64)


_ROOT_HALF = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2)
_ROUND_BITS = 0x4338000000000000  # the bits of _ROUND


@njit(error_model="numpy", fastmath={"contract"}, forceinline=True)
def fast_log(x: Any) -> Any:
    """Return the natural logarithm of a positive float64 scalar, to about 2e-16 relative.

    Zero, negative and subnormal numbers, infinity and NaN have no place here: the result for them
    is finite and means nothing.

    Examples
    --------
    >>> from astrokit.fastmath import fast_log
    >>> round(fast_log(10.0), 12)
    2.302585092994
    """
    bits = np.float64(x).view(np.int64)
    # x = m 2**k with m between sqrt(1/2) and sqrt(2).
    k = np.int64((bits - np.int64(_ROOT_HALF)) >> np.int64(52))
    m = np.int64(bits - (k << np.int64(52))).view(np.float64)
    whole = np.int64(k + np.int64(_ROUND_BITS)).view(np.float64) - _ROUND
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    # ln m = 2 atanh(s): its series, with coefficients that spread the error over the interval.
    p = 1.479819860511658591e-01
    p = p * z + 1.531383769920937332e-01
    p = p * z + 1.818357216161805012e-01
    p = p * z + 2.222219843214978396e-01
    p = p * z + 2.857142874366239149e-01
    p = p * z + 3.999999999940941908e-01
    p = p * z + 6.666666666666735130e-01
    square = 0.5 * f * f
    return whole * _LN2_HIGH - ((square - (s * (square + p * z) + whole * _LN2_LOW)) - f)
