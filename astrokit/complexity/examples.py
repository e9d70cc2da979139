"""Series whose nature is known: maps, flows, sines and stellar orbits, integrated properly.

Each answer carries its parameters and the tolerance of its integrator. Flows use an eighth-order
Runge-Kutta method with error control: a chaotic orbit is then one of the system (though not, after
many Lyapunov times, the one of the stated start), and a regular one stays regular.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import AstrokitError, InputError
from ..randomness import as_generator
from .noise import require_count

__all__ = [
    "BAR_ORBITS",
    "Example",
    "bar_orbit",
    "double_pendulum",
    "henon",
    "logistic",
    "lorenz",
    "sines",
    "skew_tent",
]

FloatArray = NDArray[np.float64]
_RTOL, _ATOL = 1e-10, 1e-12

# Starts (x, y, vx, vy) in the default bar. Neighbours of the first separate in proportion to
# time, those of the second exponentially: measured, as a test does again.
BAR_ORBITS = {
    "regular": (0.09, 0.86, 0.98, 0.02),
    "chaotic": (0.79, 0.44, -0.37, 0.61),
}


@dataclass(frozen=True, eq=False)
class Example:
    """A series with its origin.

    Attributes
    ----------
    name : str
    nature : {"chaotic", "regular", "periodic"}
        What theory says about these parameters.
    time : ndarray, shape (N,)
    columns : dict of str to ndarray, shape (N,)
        The first one is `x`.
    parameters : dict of str to float
    integrator : str
        Method and tolerances.
    """

    name: str
    nature: str
    time: FloatArray
    columns: Mapping[str, FloatArray]
    parameters: Mapping[str, float]
    integrator: str
    invariant_drift: float = field(default=0.0)

    @property
    def x(self) -> FloatArray:
        """The series that is usually analysed, shape (N,)."""
        return next(iter(self.columns.values()))

    @property
    def dt(self) -> float:
        """Time between samples."""
        return float(self.time[1] - self.time[0])

    def __str__(self) -> str:
        numbers = ", ".join(f"{k} = {v:g}" for k, v in self.parameters.items())
        return f"{self.name} ({self.nature}): {numbers}; {self.integrator}"


# -- maps ------------------------------------------------------------------------------------------


def logistic(size: int, *, r: float = 4.0, start: float = 0.1) -> Example:
    """Return the logistic map ``x -> r x (1 - x)``.

    Parameters
    ----------
    size : int
    r : float
        0 to 4; chaotic at 4.
    start : float
        First value, 0 to 1.

    Returns
    -------
    Example

    Raises
    ------
    InputError
        If rounding brings the chaotic map to rest.

    Examples
    --------
    >>> from astrokit.complexity import examples
    >>> examples.logistic(3).x.round(4).tolist()
    [0.1, 0.36, 0.9216]
    """
    r = as_scalar(r, "r", minimum=0.0, maximum=4.0)
    x = as_scalar(start, "start", minimum=0.0, maximum=1.0)
    out = np.empty(require_count(size, "size"))
    for i in range(out.size):
        out[i] = x
        x = r * x * (1 - x)
        if x == out[i] and r == 4.0 and 1 < i < out.size - 1:
            raise InputError(
                "binary rounding brought this logistic map to rest",
                value=f"start {start!r}, after {i} steps",
                hint="begin elsewhere; some starts of r = 4 end so after 1e4 to 1e8 steps",
            )
    nature = "chaotic" if r == 4.0 else "chaotic or periodic"
    return _map("logistic map", nature, {"x": out}, {"r": r, "start": start})


def henon(
    size: int, *, a: float = 1.4, b: float = 0.3, start: tuple[float, float] = (1.0, 1.0)
) -> Example:
    """Return the Henon map ``x -> 1 - a x^2 + y, y -> b x``, which is chaotic by default.

    Parameters
    ----------
    size : int
    a, b : float
    start : tuple of float

    Returns
    -------
    Example
        With columns x and y.

    Raises
    ------
    InputError
        If the orbit escapes to infinity.

    Examples
    --------
    >>> from astrokit.complexity import examples
    >>> examples.henon(3).x.round(3).tolist()
    [1.0, 0.6, 0.796]
    """
    a, b = as_scalar(a, "a"), as_scalar(b, "b")
    x, y = (as_scalar(s, "start") for s in start)
    out = np.empty((2, require_count(size, "size")))
    for i in range(out.shape[1]):
        out[:, i] = x, y
        x, y = 1 - a * x * x + y, b * x
        if abs(x) > 1e6:
            raise InputError(
                "this orbit escapes to infinity", value=start, hint="start nearer to 0"
            )
    columns = {"x": out[0], "y": out[1]}
    return _map("Henon map", "chaotic", columns, {"a": a, "b": b})


def skew_tent(
    size: int, *, peak: float = 0.1847, start: float = 0.1, perturbation: float = 0.0, seed: int = 0
) -> Example:
    """Return the skew tent map, ``x/peak`` below the peak and ``(1 - x)/(1 - peak)`` above.

    In binary numbers the symmetric tent (peak 0.5) loses one digit a step and ends at 0 after some
    fifty steps; it and other dyadic peaks need a perturbation, which replaces the digits.

    Parameters
    ----------
    size : int
    peak : float
        Between 0 and 1.
    start : float
    perturbation : float
        Largest size of a random number added at each step, such as 1e-12.
    seed : int
        Of the perturbation.

    Returns
    -------
    Example

    Raises
    ------
    InputError
        If the map would end at 0.

    Examples
    --------
    >>> from astrokit.complexity import examples
    >>> examples.skew_tent(3).x.round(4).tolist()
    [0.1, 0.5414, 0.5625]
    """
    w = as_scalar(peak, "peak")
    if not 0 < w < 1:
        raise InputError("peak is out of range", value=w, allowed="between 0 and 1")
    x = as_scalar(start, "start", minimum=0.0, maximum=1.0)
    size = require_count(size, "size")
    noise = perturbation * as_generator(seed).uniform(-1, 1, size if perturbation else 1)
    out = np.empty(size)
    for i in range(size):
        out[i] = x
        x = x / w if x < w else (1 - x) / (1 - w)
        if perturbation:
            x = abs(x + noise[i])
            x = x if x <= 1 else 2 - x
        if x == 0.0 and i < size - 1:
            raise InputError(
                "binary rounding ends this tent map at 0",
                value=f"peak {w:g}, after {i + 1} steps",
                hint="give perturbation=1e-12, or a peak such as 0.1847",
            )
    parameters = {"peak": w, "start": start, "perturbation": perturbation}
    return _map("skew tent map", "chaotic", {"x": out}, parameters)


def _map(
    name: str, nature: str, columns: Mapping[str, FloatArray], parameters: Mapping[str, float]
) -> Example:
    size = next(iter(columns.values())).size
    time = np.arange(size, dtype=float)
    return Example(name, nature, time, columns, parameters, "iterated in double precision")


# -- sines -----------------------------------------------------------------------------------------


def sines(
    size: int, *, steps: tuple[float, ...] = (0.1,), amplitudes: tuple[float, ...] = (1.0,)
) -> Example:
    """Return a sum of sines, ``sum a sin(step i)``.

    Parameters
    ----------
    size : int
    steps : tuple of float
        Radians per sample of each sine; two with an irrational ratio are quasi-periodic.
    amplitudes : tuple of float

    Returns
    -------
    Example

    Examples
    --------
    >>> from astrokit.complexity import examples
    >>> examples.sines(3).x.round(4).tolist()
    [0.0, 0.0998, 0.1987]
    """
    if len(steps) != len(amplitudes) or not steps:
        raise InputError("steps and amplitudes differ in number", value=(steps, amplitudes))
    i = np.arange(require_count(size, "size"), dtype=float)
    x = sum(a * np.sin(s * i) for a, s in zip(amplitudes, steps, strict=True))
    nature = "periodic" if len(steps) == 1 else "regular"
    parameters = {f"step {k}": s for k, s in enumerate(steps)}
    return Example("sines", nature, i, {"x": np.asarray(x)}, parameters, "exact")


# -- flows -----------------------------------------------------------------------------------------


def lorenz(
    size: int,
    *,
    dt: float = 0.01,
    sigma: float = 10.0,
    rho: float = 28.0,
    beta: float = 8 / 3,
    start: tuple[float, float, float] = (0.0, 1.0, 1.05),
    settle: float = 50.0,
) -> Example:
    """Return the Lorenz (1963) system, chaotic at rho = 28 (and not at rho = 20).

    Parameters
    ----------
    size : int
    dt : float
        Time between samples.
    sigma, rho, beta : float
    start : tuple of float
    settle : float
        Time that is integrated before the first sample.

    Returns
    -------
    Example
        With columns x, y and z.

    Examples
    --------
    >>> from astrokit.complexity import examples
    >>> sorted(examples.lorenz(50, settle=1.0).columns)
    ['x', 'y', 'z']
    """

    def flow(t: float, s: FloatArray) -> list[float]:
        x, y, z = s
        return [sigma * (y - x), x * (rho - z) - y, x * y - beta * z]

    time, states = _integrated(flow, start, size, dt, settle)
    columns = dict(zip("xyz", states, strict=True))
    # Above this rho the fixed points are unstable (for sigma > beta + 1).
    critical = sigma * (sigma + beta + 3) / (sigma - beta - 1)
    nature = "chaotic" if rho > critical else "regular"
    parameters = {"sigma": sigma, "rho": rho, "beta": beta, "dt": dt}
    return Example("Lorenz system", nature, time, columns, parameters, _METHOD)


def double_pendulum(
    size: int,
    *,
    dt: float = 2.0**-6,
    angles: tuple[float, float] = (120.0, -10.0),
    lengths: tuple[float, float] = (1.0, 1.0),
    masses: tuple[float, float] = (1.0, 1.0),
    gravity: float = 9.80665,
) -> Example:
    """Return a double pendulum released at rest, chaotic for large angles.

    Parameters
    ----------
    size : int
    dt : float
        Time between samples, in s.
    angles : tuple of float
        Of the upper and the lower rod from the vertical, in degrees.
    lengths, masses : tuple of float
        In m and kg.
    gravity : float
        In m/s2.

    Returns
    -------
    Example
        With columns x (of the lower mass, in m), y, and both angles in radians;
        ``invariant_drift`` is the largest relative change of the energy.

    Examples
    --------
    >>> from astrokit.complexity import examples
    >>> examples.double_pendulum(500).invariant_drift < 1e-6
    True
    """
    (l1, l2), (m1, m2), g = lengths, masses, gravity

    def flow(t: float, s: FloatArray) -> list[float]:
        a, b, u, v = s
        # The two equations of Lagrange, linear in the angular accelerations.
        c, d = np.cos(a - b), np.sin(a - b)
        top = -m2 * l2 * v * v * d - (m1 + m2) * g * np.sin(a)
        low = l1 * u * u * d - g * np.sin(b)
        bottom = l1 * (m1 + m2 * d * d)
        acceleration = (top - m2 * c * low) / bottom
        return [u, v, acceleration, (low - l1 * c * acceleration) / l2]

    start = (*np.radians(angles), 0.0, 0.0)
    time, (a, b, u, v) = _integrated(flow, start, size, dt, 0.0)
    kinetic = 0.5 * (m1 + m2) * (l1 * u) ** 2 + 0.5 * m2 * (l2 * v) ** 2
    kinetic += m2 * l1 * l2 * u * v * np.cos(a - b)
    energy = kinetic - (m1 + m2) * g * l1 * np.cos(a) - m2 * g * l2 * np.cos(b)
    x = l1 * np.sin(a) + l2 * np.sin(b)
    y = -l1 * np.cos(a) - l2 * np.cos(b)
    columns = {"x": x, "y": y, "upper_angle": a, "lower_angle": b}
    drift = float(np.ptp(energy) / ((m1 + m2) * g * l1 + m2 * g * l2))
    nature = "chaotic" if abs(angles[0]) > 90 else "regular or chaotic"
    parameters = {"angle 1": angles[0], "angle 2": angles[1], "dt": dt}
    return Example("double pendulum", nature, time, columns, parameters, _METHOD, drift)


def bar_orbit(
    size: int,
    *,
    dt: float = 0.1,
    start: tuple[float, float, float, float] = BAR_ORBITS["chaotic"],
    flattening: float = 0.8,
    core_radius: float = 0.14,
    pattern_speed: float = 0.3,
    circular_speed: float = 1.0,
    nature: str = "",
) -> Example:
    r"""Return a stellar orbit in a rotating logarithmic bar potential, in the frame of the bar.

    :math:`\Phi = \frac{v_0^2}{2} \ln(R_c^2 + x^2 + y^2/q^2)` (Binney & Tremaine 2008, eq. 3.103),
    turning with the pattern speed. What a start leads to, regular or chaotic motion, must be
    measured; :data:`BAR_ORBITS` holds one of each.

    Parameters
    ----------
    size : int
    dt : float
        Time between samples.
    start : tuple of float
        x, y and their velocities in the rotating frame.
    flattening, core_radius, pattern_speed, circular_speed : float
        q, R_c, the angular speed of the bar and v_0.
    nature : str
        What is known about this start.

    Returns
    -------
    Example
        With columns x, y, vx and vy; ``invariant_drift`` is the largest relative change of the
        Jacobi integral.

    Examples
    --------
    >>> from astrokit.complexity import examples
    >>> examples.bar_orbit(500).invariant_drift < 1e-6
    True
    """
    v2, q2, c2, w = circular_speed**2, flattening**2, core_radius**2, pattern_speed

    def flow(t: float, s: FloatArray) -> list[float]:
        x, y, u, v = s
        pull = v2 / (c2 + x * x + y * y / q2)
        return [u, v, -pull * x + 2 * w * v + w * w * x, -pull * y / q2 - 2 * w * u + w * w * y]

    time, (x, y, u, v) = _integrated(flow, start, size, dt, 0.0)
    jacobi = 0.5 * (u**2 + v**2) + 0.5 * v2 * np.log(c2 + x**2 + y**2 / q2)
    jacobi -= 0.5 * w**2 * (x**2 + y**2)
    drift = float(np.ptp(jacobi) / max(abs(jacobi[0]), v2))
    columns = {"x": x, "y": y, "vx": u, "vy": v}
    parameters = {"q": flattening, "Rc": core_radius, "pattern speed": w, "dt": dt}
    return Example("orbit in a bar", nature or "unknown", time, columns, parameters, _METHOD, drift)


_METHOD = f"Runge-Kutta 8(5,3), relative tolerance {_RTOL:g}, absolute {_ATOL:g}"


def _integrated(
    flow: Callable[[float, FloatArray], Any],
    start: tuple[float, ...],
    size: int,
    dt: float,
    settle: float,
) -> tuple[FloatArray, FloatArray]:
    """Return times (N,) from 0 and states (d, N)."""
    from scipy.integrate import solve_ivp

    size = require_count(size, "size", 2)
    dt = as_scalar(dt, "dt", positive=True)
    settle = as_scalar(settle, "settle", minimum=0.0)
    time = np.arange(size, dtype=np.float64) * dt
    answer = solve_ivp(
        flow,
        (0.0, settle + time[-1]),
        np.array(start, dtype=float),
        method="DOP853",
        t_eval=np.minimum(settle + time, settle + time[-1]),
        rtol=_RTOL,
        atol=_ATOL,
    )
    if not answer.success:
        raise AstrokitError("the orbit could not be integrated", value=answer.message)
    return time, np.asarray(answer.y, dtype=np.float64)
