"""Compiled loops of the timing room: plain native float64 arrays in and out, no units, no checks.

A spectral model reaches a kernel as numbers. `values` holds the parameters of all components one
after the other; `header` says what they mean::

    [number of ordinates, constant of ln L, number of components, code, ln pivot, code, ...]

`half_dof`, half the degrees of freedom of each ordinate, may be two numbers instead: that of all
ordinates and that of the last one (the Nyquist frequency). So long data cost less memory traffic.

Work goes in blocks that stay in the fastest cache, so that every sum of components runs as a few
short loops which the compiler vectorises.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from ..fastmath import fast_exp
from ..inference.kernels import compiled_likelihood
from ..shapes import softplus
from .line_kernels import add_lorentzian_curvature, lorentzian_gradient
from .rational_kernels import (
    RATIONAL_SIZES,
    add_rational,
    add_rational_curvature,
    rational_gradient,
)

__all__ = [
    "BENDING_POWER_LAW",
    "CONSTANT",
    "HEADER_SIZE",
    "LORENTZIAN",
    "POWER_LAW",
    "bin_averages",
    "moments",
    "observed_information",
    "packed_whittle",
    "psd",
    "score_and_information",
    "whittle",
    "whittle_batch",
]

CONSTANT, POWER_LAW, BENDING_POWER_LAW, LORENTZIAN = 0, 1, 2, 3
HEADER_SIZE = 3  # numbers before the first component
_SIZES = (1, 2, 4, 3, *RATIONAL_SIZES)  # numbers of parameters
_BLOCK = 512

_compile = njit(cache=True, error_model="numpy", nogil=True, fastmath={"reassoc"})
_exact = njit(cache=True, error_model="numpy", nogil=True, fastmath=False)


@_compile
def _bend(values: Any, at: int, log_pivot: float) -> Any:
    """Return what a bending power law needs once: a, q = b - a, ln f_b, and terms at the pivot."""
    a, q = values[at], values[at + 1] - values[at]
    log_bend = math.log(values[at + 2])
    y0 = log_pivot - log_bend
    z0 = q * y0
    sigma0 = 1.0 / (1.0 + math.exp(-z0))
    return a, q, log_bend, y0, sigma0, values[at + 3] + softplus(z0)


@_compile
def _fill_constant(values: Any, header: Any, S: Any) -> None:
    """Write the constant of the model (0 if it has none) into S: where the sum begins."""
    at, constant = 0, 0.0
    for component in range(int(header[2])):
        code = int(header[HEADER_SIZE + 2 * component])
        if code == CONSTANT:
            constant += values[at]
        at += _SIZES[code]
    for i in range(S.size):
        S[i] = constant


@_compile
def _fill_psd(values: Any, header: Any, log_f: Any, S: Any) -> None:
    """Write the model at `log_f` into S."""
    _fill_constant(values, header, S)
    at = 0
    for component in range(int(header[2])):
        code = int(header[HEADER_SIZE + 2 * component])
        log_pivot = header[HEADER_SIZE + 2 * component + 1]
        if code == CONSTANT:
            at += 1
        elif code == POWER_LAW:
            slope, log_amplitude = values[at], values[at + 1]
            for i in range(S.size):
                S[i] += fast_exp(log_amplitude - slope * (log_f[i] - log_pivot))
            at += 2
        elif code == LORENTZIAN:
            inverse, width = 1.0 / values[at], 2.0 * values[at + 1]
            peak = math.exp(values[at + 2])
            for i in range(S.size):
                z = width * (fast_exp(log_f[i]) * inverse - 1.0)
                S[i] += peak / (1.0 + z * z)
            at += 3
        elif code > LORENTZIAN:
            add_rational(code, values, at, log_pivot, log_f, S)
            at += _SIZES[code]
        else:
            a, q, log_bend, _, _, top = _bend(values, at, log_pivot)
            for i in range(S.size):
                E = fast_exp(-q * (log_f[i] - log_bend))
                S[i] += fast_exp(top - a * (log_f[i] - log_pivot)) * E / (1.0 + E)
            at += 4


@_compile
def _sum_of_logs(x: Any) -> float:
    """Return the sum of ln x: logarithms of products of sixteen, where they fit a float64."""
    m = x.size // 16
    product = np.ones(m)
    for k in range(16):
        part = x[k * m : (k + 1) * m]
        for i in range(m):
            product[i] *= part[i]
    total = 0.0
    for i in range(m):
        if 1e-290 < product[i] < 1e290:
            total += math.log(product[i])
        else:
            for k in range(16):
                total += math.log(x[k * m + i])
    for i in range(16 * m, x.size):
        total += math.log(x[i])
    return total


@_compile
def _block_log_likelihood(S: Any, power: Any, half_dof: Any) -> float:
    """Return ``-sum k (ln S + I/S)`` over one block; -inf where S is not positive."""
    k0 = half_dof[0]
    ratio, excess, bad = 0.0, 0.0, 0.0
    for i in range(S.size):
        ratio += half_dof[i] * power[i] / S[i]
        excess += abs(half_dof[i] - k0)
        bad += 1.0 if S[i] <= 0.0 else 0.0
    if bad > 0.0:
        return -math.inf
    if excess == 0.0:
        return -ratio - k0 * _sum_of_logs(S)
    logs = 0.0
    for i in range(S.size):
        logs += half_dof[i] * math.log(S[i])
    return -ratio - logs


@_compile
def _block_dof(half_dof: Any, n: int, start: int, stop: int, work: Any) -> Any:
    """Return `half_dof` of ordinates `start` to `stop` of `n`."""
    if half_dof.size == n:
        return half_dof[start:stop]
    K = work[: stop - start]
    K[:] = half_dof[0]
    if stop == n:
        K[stop - start - 1] = half_dof[1]
    return K


@_compile
def whittle(values: Any, log_f: Any, power: Any, half_dof: Any, header: Any) -> float:
    """Return ln L of one parameter vector: ordinates are gamma variates of mean S and shape k.

    Parameters
    ----------
    values : float64 (p,)
    log_f, power : float64 (m,)
        ln frequency and ordinate I.
    half_dof : float64 (m,) or (2,)
        k: half the degrees of freedom; see the module.
    header : float64
    """
    n = int(header[0])
    work, dof_work = np.empty(_BLOCK), np.empty(_BLOCK)
    total = header[1]
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        S = work[: stop - start]
        K = _block_dof(half_dof, n, start, stop, dof_work)
        _fill_psd(values, header, log_f[start:stop], S)
        total += _block_log_likelihood(S, power[start:stop], K)
    return total


@_compile
def whittle_batch(
    values: Any, log_f: Any, power: Any, half_dof: Any, header: Any, out: Any
) -> None:
    """Write ln L of each row of `values` ``(n, p)`` into `out` ``(n,)``.

    All rows take a block of data before the next is read: long data come from memory once.
    """
    n = int(header[0])
    work, dof_work = np.empty(_BLOCK), np.empty(_BLOCK)
    out[:] = header[1]
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        S = work[: stop - start]
        K = _block_dof(half_dof, n, start, stop, dof_work)
        for row in range(values.shape[0]):
            _fill_psd(values[row], header, log_f[start:stop], S)
            out[row] += _block_log_likelihood(S, power[start:stop], K)


@compiled_likelihood
def packed_whittle(values: Any, data: Any) -> float:
    """Return :func:`whittle` of data packed in rows: ln frequency, power, half dof, header."""
    n = int(data[3, 0])
    return whittle(values, data[0], data[1], data[2, :n], data[3])


@_compile
def psd(values: Any, log_f: Any, header: Any, out: Any) -> None:
    """Write the model of each row of `values` ``(n, p)`` at `log_f` into `out` ``(n, m)``."""
    for row in range(values.shape[0]):
        _fill_psd(values[row], header, log_f, out[row])


# -- derivatives --------------------------------------------------------------------------------


@_compile
def _fill_gradient(values: Any, header: Any, log_f: Any, S: Any, D: Any) -> None:
    """Write the model into S ``(m,)`` and its derivatives into the first m columns of D.

    D is always whole: a part of its columns would not be contiguous, and slow.
    """
    _fill_constant(values, header, S)
    at = 0
    for component in range(int(header[2])):
        code = int(header[HEADER_SIZE + 2 * component])
        log_pivot = header[HEADER_SIZE + 2 * component + 1]
        if code == CONSTANT:
            D0 = D[at]
            for i in range(S.size):
                D0[i] = 1.0
            at += 1
        elif code == POWER_LAW:
            _power_law_gradient(values[at], values[at + 1], log_f, log_pivot, S, D[at : at + 2])
            at += 2
        elif code == LORENTZIAN:
            lorentzian_gradient(values, at, log_f, S, D[at : at + 3])
            at += 3
        elif code > LORENTZIAN:
            rational_gradient(code, values, at, log_pivot, log_f, S, D[at : at + _SIZES[code]])
            at += _SIZES[code]
        else:
            _bending_gradient(values, at, log_f, log_pivot, S, D[at : at + 4])
            at += 4


@_compile
def _power_law_gradient(
    slope: float, log_amplitude: float, log_f: Any, log_pivot: float, S: Any, D: Any
) -> None:
    D_slope, D_amplitude = D[0], D[1]
    for i in range(S.size):
        L = log_f[i] - log_pivot
        P = fast_exp(log_amplitude - slope * L)
        D_slope[i] = -L * P
        D_amplitude[i] = P
        S[i] += P


@_compile
def _bending_gradient(values: Any, at: int, log_f: Any, log_pivot: float, S: Any, D: Any) -> None:
    a, q, log_bend, y0, sigma0, top = _bend(values, at, log_pivot)
    per_frequency = q / values[at + 2]
    D_low, D_high, D_bend, D_amplitude = D[0], D[1], D[2], D[3]
    for i in range(S.size):
        L = log_f[i] - log_pivot
        y = log_f[i] - log_bend
        E = fast_exp(-q * y)
        sigma = 1.0 / (1.0 + E)
        P = fast_exp(top - a * L) * E * sigma
        turn = sigma * y - sigma0 * y0
        D_low[i] = P * (turn - L)
        D_high[i] = -P * turn
        D_bend[i] = P * per_frequency * (sigma - sigma0)
        D_amplitude[i] = P
        S[i] += P


@_compile
def _add_products(D: Any, weight: Any, out: Any) -> None:
    """Add ``sum_i weight D_j D_k`` to the lower triangle of `out` ``(p, p)``."""
    for j in range(D.shape[0]):
        Dj = D[j]
        for k in range(j + 1):
            Dk = D[k]
            total = 0.0
            for i in range(weight.size):
                total += weight[i] * Dj[i] * Dk[i]
            out[j, k] += total


@_compile
def _add_gradient(D: Any, pull: Any, weight: Any, score: Any, information: Any) -> None:
    """Add ``sum pull D_j`` to `score` and ``sum weight D_j D_k`` to `information`, lower triangle.

    The diagonal goes with the score, which reads the same numbers.
    """
    for j in range(D.shape[0]):
        Dj = D[j]
        first, second = 0.0, 0.0
        for i in range(weight.size):
            first += pull[i] * Dj[i]
            second += weight[i] * Dj[i] * Dj[i]
        score[j] += first
        information[j, j] += second
        for k in range(j):
            Dk = D[k]
            cross = 0.0
            for i in range(weight.size):
                cross += weight[i] * Dj[i] * Dk[i]
            information[j, k] += cross


@_compile
def _mirror(matrix: Any) -> None:
    for j in range(matrix.shape[0]):
        for k in range(j):
            matrix[k, j] = matrix[j, k]


@_compile
def score_and_information(
    values: Any,
    log_f: Any,
    power: Any,
    half_dof: Any,
    header: Any,
    score: Any,
    information: Any,
) -> float:
    """Return ln L; add its gradient to `score` ``(p,)``, the Fisher matrix to `information`.

    One pass: gradient ``sum k (I/S - 1) D/S``, information ``sum k D D'/S^2``.
    """
    n, p = int(header[0]), values.size
    S_work, w_work, dof_work = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    D = np.empty((p, _BLOCK))
    total = header[1]
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        S, weight = S_work[: stop - start], w_work[: stop - start]
        I = power[start:stop]  # noqa: E741
        K = _block_dof(half_dof, n, start, stop, dof_work)
        _fill_gradient(values, header, log_f[start:stop], S, D)
        total += _block_log_likelihood(S, I, K)
        for i in range(S.size):
            inverse = 1.0 / S[i]
            pull = K[i] * inverse
            S[i] = pull * (I[i] * inverse - 1.0)  # S is not needed any more
            weight[i] = pull * inverse
        _add_gradient(D, S, weight, score, information)
    _mirror(information)
    return total


@_compile
def observed_information(
    values: Any, log_f: Any, power: Any, half_dof: Any, header: Any, out: Any
) -> None:
    """Add minus the Hessian of ln L to `out` ``(p, p)``.

    With u = I/S: ``sum k [(2u - 1) D D'/S^2 + (1 - u) D2/S]``, D2 the second derivatives of S.
    """
    n, p = int(header[0]), values.size
    S_work, w_work, dof_work = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    D = np.empty((p, _BLOCK))
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        S, weight = S_work[: stop - start], w_work[: stop - start]
        I = power[start:stop]  # noqa: E741
        K = _block_dof(half_dof, n, start, stop, dof_work)
        _fill_gradient(values, header, log_f[start:stop], S, D)
        for i in range(S.size):
            S[i] = 1.0 / S[i]
            weight[i] = K[i] * (2.0 * I[i] * S[i] - 1.0) * S[i] * S[i]
        _add_products(D, weight, out)
        for i in range(S.size):
            weight[i] = K[i] * (1.0 - I[i] * S[i]) * S[i]
        _add_curvature(values, header, log_f[start:stop], weight, D, out)
    _mirror(out)


@_compile
def _add_curvature(values: Any, header: Any, log_f: Any, weight: Any, D: Any, out: Any) -> None:
    """Add ``sum weight * second derivatives of S``; components do not mix, a constant has none."""
    at = 0
    for component in range(int(header[2])):
        code = int(header[HEADER_SIZE + 2 * component])
        log_pivot = header[HEADER_SIZE + 2 * component + 1]
        if code == CONSTANT:
            at += 1
        elif code == POWER_LAW:
            P = D[at + 1]
            for i in range(weight.size):
                L, wP = log_f[i] - log_pivot, weight[i] * P[i]
                out[at, at] += wP * L * L
                out[at + 1, at] -= wP * L
                out[at + 1, at + 1] += wP
            at += 2
        elif code == LORENTZIAN:
            add_lorentzian_curvature(values, at, log_f, weight, D[at + 2], out)
            at += 3
        elif code > LORENTZIAN:
            add_rational_curvature(code, values, at, log_pivot, log_f, weight, out)
            at += _SIZES[code]
        else:
            _add_bending_curvature(values, at, log_f, log_pivot, weight, D[at + 3], out)
            at += 4


@_compile
def _add_bending_curvature(
    values: Any, at: int, log_f: Any, log_pivot: float, weight: Any, P: Any, out: Any
) -> None:
    _, q, log_bend, y0, sigma0, _ = _bend(values, at, log_pivot)
    f_bend = values[at + 2]
    t0 = sigma0 * (1.0 - sigma0)
    for i in range(weight.size):
        y = log_f[i] - log_bend
        sigma = 1.0 / (1.0 + fast_exp(-q * y))
        t = sigma * (1.0 - sigma)
        # First and second derivatives of ln P in a, b and ln f_b, relative to the pivot.
        turn = sigma * y - sigma0 * y0
        s_a, s_b, s_l = turn - (log_f[i] - log_pivot), -turn, q * (sigma - sigma0)
        s_aa = -(t * y * y - t0 * y0 * y0)
        s_al = -(sigma - sigma0) - q * (t * y - t0 * y0)
        s_ll = -q * q * (t - t0)
        wP = weight[i] * P[i]
        out[at, at] += wP * (s_a * s_a + s_aa)
        out[at + 1, at] += wP * (s_a * s_b - s_aa)
        out[at + 1, at + 1] += wP * (s_b * s_b + s_aa)
        out[at + 2, at] += wP * (s_a * s_l + s_al) / f_bend
        out[at + 2, at + 1] += wP * (s_b * s_l - s_al) / f_bend
        out[at + 2, at + 2] += wP * (s_l * s_l + s_ll - s_l) / (f_bend * f_bend)
        out[at + 3, at] += wP * s_a
        out[at + 3, at + 1] += wP * s_b
        out[at + 3, at + 2] += wP * s_l / f_bend
        out[at + 3, at + 3] += wP


# -- averages over bins --------------------------------------------------------------------------


@_compile
def bin_averages(frequency: Any, power: Any, dof: Any, edges: Any) -> Any:
    """Return geometric mean frequency, mean power and summed dof between `edges` (indices)."""
    n = edges.size - 1
    centers, means, sums = np.empty(n), np.empty(n), np.empty(n)
    for k in range(n):
        start, stop = edges[k], edges[k + 1]
        P, w = power[start:stop], dof[start:stop]
        total, weight = 0.0, 0.0
        for i in range(P.size):
            total += w[i] * P[i]
            weight += w[i]
        centers[k] = math.exp(_sum_of_logs(frequency[start:stop]) / (stop - start))
        means[k], sums[k] = total / weight, weight
    return centers, means, sums


# -- amplitudes ---------------------------------------------------------------------------------


@_exact
def moments(rate: Any, error: Any) -> Any:
    """Return what amplitudes are made of; a bin whose rate or error is NaN is skipped.

    Returns
    -------
    n, mean, deviation, noise, scatter
        Number, mean, sum of squared deviations and mean squared error; and the standard deviation
        of the terms ``(x - mean)**2 - error**2``.

    Notes
    -----
    Two passes, so that a large mean does not eat the digits of a small variance.
    """
    n, total = 0, 0.0
    for i in range(rate.size):
        if not math.isnan(rate[i] + error[i]):
            n += 1
            total += rate[i]
    mean = total / n if n else math.nan
    first, deviation, noise, terms, squares = 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(rate.size):
        if not math.isnan(rate[i] + error[i]):
            d = rate[i] - mean
            e2 = error[i] * error[i]
            term = d * d - e2
            first += d
            deviation += d * d
            noise += e2
            terms += term
            squares += term * term
    count = max(n, 1)
    spread = max(squares - terms * terms / count, 0.0) / max(n - 1, 1)
    # The correction to the deviation removes what rounding of the mean adds.
    return n, mean, deviation - first * first / count, noise / count, math.sqrt(spread)
