"""Waiting times between bursts: their distribution, and the rate of a clustered process."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array
from ..errors import InputError, ShapeError
from ..inference.parameters import Parameter, Parameters
from ..inference.priors import LogUniform, Uniform
from ..inference.problem import Problem
from .sample import BurstSample
from .sessions import Session

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..inference import Fit

__all__ = ["WaitingTimeProblem", "WeibullRateProblem", "waiting_times"]

FloatArray = NDArray[np.float64]
_LN10 = math.log(10.0)
_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
_FEWEST = 10


def waiting_times(source: BurstSample | Sequence[Session], *, gap: Any = 0.1) -> FloatArray:
    """Return the seconds between neighbouring bursts of the same session, all sessions together.

    Parameters
    ----------
    source : BurstSample or sequence of Session
    gap : float or Quantity
        Days without a burst that end a session, for a sample.

    Raises
    ------
    InputError
        When no session has two bursts, or two bursts have the same time.

    Examples
    --------
    >>> import astrokit as ak
    >>> s = ak.bursts.BurstSample(energy=[1e37] * 3, mjd=[59000.0, 59000.001, 59005.0])
    >>> ak.bursts.waiting_times(s).round(1)
    array([86.4])
    """
    sessions = source.sessions(gap) if isinstance(source, BurstSample) else source
    waits = np.concatenate([session.waiting_times for session in sessions])
    if waits.size == 0:
        raise InputError("no session has two bursts", hint="a longer gap joins sessions")
    same = int(np.count_nonzero(waits <= 0))
    if same:
        raise InputError(
            f"{same} pairs of bursts have the same time",
            hint="merge them: sample.merge_sub_bursts(within=0.001)",
        )
    return waits


# -- the distribution -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Law:
    """Parameters, log density and draws of a distribution of waiting times."""

    label: str
    parameters: Callable[[FloatArray], list[Parameter]]
    log_density: Callable[[FloatArray, FloatArray], FloatArray]
    draw: Callable[[FloatArray, int, np.random.Generator], FloatArray]


def _log_time(name: str, value: float, low: float, high: float, symbol: str) -> Parameter:
    return Parameter(name, min(max(value, low), high), Uniform(low, high), symbol=symbol)


def _exponential_parameters(log_t: FloatArray) -> list[Parameter]:
    rate = 1.0 / float(np.mean(np.exp(log_t)))
    return [Parameter("rate", rate, LogUniform(rate / 1e3, rate * 1e3), unit="1 / s", symbol="r")]


def _exponential(values: FloatArray, log_t: FloatArray) -> FloatArray:
    rate = values[:, 0, None]
    return np.asarray(np.log(rate) - rate * np.exp(log_t))


def _draw_exponential(values: FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
    return rng.standard_exponential(n) / values[0]


def _weibull_parameters(log_t: FloatArray) -> list[Parameter]:
    shape = Parameter("shape", 0.7, LogUniform(0.05, 10.0), symbol="k")
    return [*_exponential_parameters(log_t), shape]


def _weibull(values: FloatArray, log_t: FloatArray) -> FloatArray:
    from scipy.special import gammaln

    rate, k = values[:, 0, None], values[:, 1, None]
    z = k * (log_t + np.log(rate) + gammaln(1 + 1 / k))
    return np.asarray(np.log(k) - log_t + z - np.exp(np.minimum(z, 700.0)))


def _draw_weibull(values: FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
    rate, k = values
    return rng.standard_exponential(n) ** (1 / k) / (rate * math.gamma(1 + 1 / k))


def _humps_parameters(log_t: FloatArray) -> list[Parameter]:
    """Return two medians on either side of the widest gap near the middle of the data."""
    x = np.sort(log_t) / _LN10
    low, high = float(x[0]), float(x[-1])
    cut = _valley(x)
    left, right = x[x < cut], x[x >= cut]
    share = min(max(left.size / x.size, 0.02), 0.98)
    width = LogUniform(0.03, 3.0)
    sigma = [min(max(float(np.std(part)), 0.05), 2.0) for part in (left, right)]
    return [
        _log_time("log_short", float(np.median(left)), low, cut, r"\log_{10} t_1/\mathrm{s}"),
        Parameter("width_short", sigma[0], width, unit="dex", symbol=r"\sigma_1"),
        _log_time("log_long", float(np.median(right)), cut, high, r"\log_{10} t_2/\mathrm{s}"),
        Parameter("width_long", sigma[1], width, unit="dex", symbol=r"\sigma_2"),
        Parameter("fraction_short", share, Uniform(0.0, 1.0), symbol="f"),
    ]


def _valley(x: FloatArray) -> float:
    """Return where two groups of sorted values are best split: least scatter inside (Otsu 1979)."""
    n = x.size
    k = np.arange(1, n)
    total = np.cumsum(x)
    means = total[:-1] / k, (total[-1] - total[:-1]) / (n - k)
    between = k * (n - k) * (means[0] - means[1]) ** 2
    at = int(np.argmax(between))
    return float(0.5 * (x[at] + x[at + 1]))


def _humps(values: FloatArray, log_t: FloatArray) -> FloatArray:
    x = log_t / _LN10
    with np.errstate(divide="ignore"):
        parts = [
            np.log(weight)[:, None]
            - 0.5 * ((x - center[:, None]) / width[:, None]) ** 2
            - np.log(width)[:, None]
            for weight, center, width in (
                (values[:, 4], values[:, 0], values[:, 1]),
                (1 - values[:, 4], values[:, 2], values[:, 3]),
            )
        ]
    return np.asarray(np.logaddexp(*parts) - _LOG_SQRT_2PI - log_t - math.log(_LN10))


def _draw_humps(values: FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
    short = rng.random(n) < values[4]
    center = np.where(short, values[0], values[2])
    width = np.where(short, values[1], values[3])
    return np.asarray(10.0 ** (center + width * rng.standard_normal(n)))


_LAWS = {
    "exponential": _Law("exponential", _exponential_parameters, _exponential, _draw_exponential),
    "weibull": _Law("Weibull", _weibull_parameters, _weibull, _draw_weibull),
    "two log-normals": _Law("two log-normals", _humps_parameters, _humps, _draw_humps),
}


class WaitingTimeProblem(Problem):
    r"""Waiting times as independent draws of one distribution.

    "exponential" is a Poisson process; "weibull", with shape k, is clustered for k < 1: density
    :math:`\frac{k}{t} z e^{-z}` with :math:`z = [t\,r\,\Gamma(1+1/k)]^k` and mean 1/r; "two
    log-normals" has a short and a long hump in log t.

    Parameters
    ----------
    waits : array_like or Quantity, shape (n,)
        Seconds; see :func:`waiting_times`.
    law : {"two log-normals", "weibull", "exponential"}

    Raises
    ------
    InputError, ShapeError
        For waiting times <= 0, fewer than 10, or an unknown law.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> rng = np.random.default_rng(1)
    >>> waits = np.append(rng.lognormal(-3, 0.5, 60), rng.lognormal(3, 1, 240))  # 50 ms and 20 s
    >>> fit = ak.bursts.WaitingTimeProblem(waits).fit()
    >>> print(fit["fraction_short"])
    fraction_short = 0.20 +/- 0.02
    """

    statistic = "waiting times"
    citation_keys: tuple[str, ...] = ("li2021",)

    def __init__(self, waits: ArrayLike, law: str = "two log-normals") -> None:
        if law not in _LAWS:
            raise InputError("law is unknown", value=law, allowed=", ".join(_LAWS))
        self._name, self._law = law, _LAWS[law]
        self._set_data(as_array(waits, "waits", unit="s", positive=True, min_size=_FEWEST))
        if law == "weibull":
            self.citation_keys = ("oppermann2018",)
        super().__init__(Parameters(self._law.parameters(self._log_t)))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_law": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _law=_LAWS[state["_name"]])

    def _set_data(self, waits: FloatArray) -> None:
        self._waits = waits
        self._log_t = np.log(waits)

    @property
    def data(self) -> FloatArray:
        """Waiting times in s, shape ``(n,)``."""
        return self._waits

    @property
    def label(self) -> str:
        return self._law.label

    def with_data(self, data: Any) -> Self:
        other = copy.copy(self)
        other._set_data(as_array(data, "waits", unit="s", positive=True))
        return other

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        return {"waits": self._waits}

    def settings(self) -> Mapping[str, Any]:
        return {"law": self._name}

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            total = self._law.log_density(values, self._log_t).sum(axis=1)
        return np.where(np.isnan(total), -np.inf, total)  # such as for a rate below zero

    def _pointwise(self, values: FloatArray) -> FloatArray:
        return self._law.log_density(values, self._log_t)

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> FloatArray:
        return np.maximum(self._law.draw(values, self._waits.size, rng), 1e-300)

    def density(self, waits: ArrayLike, values: Mapping[str, float]) -> FloatArray:
        """Return the probability per unit of ln t at `waits` (s), shape ``(m,)``."""
        log_t = np.log(as_array(waits, "waits", unit="s", positive=True))
        row = np.array([[values[name] for name in self.parameters.names]])
        return np.asarray(np.exp(self._law.log_density(row, log_t)[0] + log_t))

    def plot(self, *fits: Fit, ax: Axes | None = None) -> Axes:
        """Draw the histogram of ln t with fitted laws; see :func:`plot_waiting_times`."""
        from .plots import plot_waiting_times

        return plot_waiting_times(self, *fits, ax=ax)


# -- the rate -------------------------------------------------------------------------------------


class WeibullRateProblem(Problem):
    """Rate and clustering of bursts in observations, their empty ends included.

    Waiting times follow a Weibull distribution of mean 1/rate; the time before the first and after
    the last burst of an observation enter as what they are, lower limits (Oppermann et al. 2018).
    Fits of waiting times alone overestimate the rate of a clustered source.

    Parameters
    ----------
    sessions : sequence of Session
        Made with ``observations=``, so that start and stop are those of the observation.

    Raises
    ------
    InputError
        For sessions whose ends are their first and last burst.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> t = 59000 + np.sort(np.random.default_rng(1).uniform(0, 0.05, 100))
    >>> sample = ak.bursts.BurstSample(energy=np.full(100, 1e38), mjd=t)
    >>> sessions = ak.bursts.split_sessions(sample, observations=[[59000.0, 59000.05]])
    >>> print(ak.bursts.WeibullRateProblem(sessions).fit()["shape"])
    shape = 1.10 +/- 0.09
    """

    statistic = "burst times"
    citation_keys: tuple[str, ...] = ("oppermann2018",)

    def __init__(self, sessions: Sequence[Session]) -> None:
        if not sessions:
            raise InputError("the rate needs one session or more", value=len(sessions))
        if not all(session.is_observation for session in sessions):
            raise InputError(
                "the rate needs the starts and stops of the observations",
                hint="split_sessions(sample, observations=[[start, stop], ...])",
            )
        self._spans = np.array([session.duration for session in sessions])
        self._set_data(tuple(session.times for session in sessions))
        rate = max(self.n_data, 1) / float(self._spans.sum())
        super().__init__(
            Parameters(
                [
                    Parameter("rate", rate, LogUniform(rate / 30, rate * 30), unit="1 / s"),
                    Parameter("shape", 0.8, LogUniform(0.1, 5.0), symbol="k"),
                ]
            )
        )

    def _set_data(self, times: tuple[FloatArray, ...]) -> None:
        self._times = times
        waits = np.concatenate([np.diff(t) for t in times])
        if waits.size and waits.min() <= 0:
            raise InputError("two bursts have the same time", hint="sample.merge_sub_bursts()")
        self._waits = waits
        ends = [(t[0], span - t[-1]) for t, span in zip(times, self._spans, strict=True) if t.size]
        self._ends = np.array(ends, dtype=float).ravel()
        self._n_seen = len(ends)
        self._empty = np.array(
            [span for t, span in zip(times, self._spans, strict=True) if not t.size]
        )

    @property
    def data(self) -> tuple[FloatArray, ...]:
        """Seconds since the start of each observation."""
        return self._times

    @property
    def n_data(self) -> int:
        return int(sum(t.size for t in self._times)) or 1

    @property
    def label(self) -> str:
        return "Weibull renewal process"

    def with_data(self, data: Any) -> Self:
        if len(data) != self._spans.size:
            raise ShapeError(
                "data of another number of observations",
                value=len(data),
                allowed=str(self._spans.size),
            )
        other = copy.copy(self)
        other._set_data(tuple(np.asarray(t, dtype=float) for t in data))
        return other

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        times = np.concatenate(self._times)
        return {"times": times, "spans": self._spans,
                "number": np.array([t.size for t in self._times])}  # fmt: skip

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        from scipy.special import gammaincc, gammaln

        rate, k = values[:, 0, None], values[:, 1, None]
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            scale = np.log(rate) + gammaln(1 + 1 / k)
            total = self._n_seen * np.log(values[:, 0])
            if self._waits.size:
                total = total + _weibull(values, np.log(self._waits)).sum(axis=1)
            if self._ends.size:
                total = total - np.exp(k * (np.log(self._ends) + scale)).sum(axis=1)
            if self._empty.size:
                z = np.exp(k * (np.log(self._empty) + scale))
                total = total + np.log(gammaincc(1 / k, z)).sum(axis=1)
        return np.where(np.isnan(total), -np.inf, total)

    def _simulate_data(
        self, values: FloatArray, rng: np.random.Generator
    ) -> tuple[FloatArray, ...]:
        return tuple(self._one(values, float(span), rng) for span in self._spans)

    def _one(self, values: FloatArray, span: float, rng: np.random.Generator) -> FloatArray:
        rate, k = values
        # A renewal process seen from a random moment: the interval that covers it is drawn with
        # its length as weight, and the moment lies anywhere inside.
        scale = 1.0 / (rate * math.gamma(1 + 1 / k))
        covering = scale * rng.standard_gamma(1 + 1 / k) ** (1 / k)
        t, times = covering * rng.random(), []
        while t < span:
            times.append(t)
            t += float(_draw_weibull(values, 1, rng)[0])
        return np.array(times)
