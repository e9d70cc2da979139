"""Elementary functions that the compiler can vectorise, for use inside numba kernels only.

numba calls the C library for ``exp``, one number at a time. The version here is plain arithmetic,
so a loop over it runs several numbers per instruction. It names its own ``fastmath`` flags, because
numba otherwise hands the flags of the calling kernel down: the range reduction loses its meaning
if the compiler may regroup it, as kernels allow for their sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["fast_exp"]

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
