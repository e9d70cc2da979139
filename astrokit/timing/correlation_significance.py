"""How strongly two independent red curves correlate by chance, by simulation."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_scalar
from ..errors import InputError
from ..randomness import SeedLike, spawn
from .correlation import (
    METHODS,
    CorrelationFunction,
    Pair,
    _checked_edges,
    _default_edges,
    correlation,
    require_alike,
)
from .spectrum_problem import require_option

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..lightcurve import LightCurve
    from .simulate import PSDLike

__all__ = ["CorrelationSignificance", "correlation_significance"]

FloatArray = NDArray[np.float64]
_CURVES_AT_ONCE = 16
_SHOWN = (0.95, 0.99)


@dataclass(frozen=True, eq=False)
class CorrelationSignificance:
    """A correlation function beside those of independent curves.

    Attributes
    ----------
    function : CorrelationFunction
        Of the light curves.
    simulated : ndarray, shape (n, k)
        Of pairs of independent simulated curves, at the same lags.
    """

    function: CorrelationFunction
    simulated: FloatArray

    def level(self, confidence: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Return the ends ``(k,)`` of the central `confidence` of chance, lag by lag.

        Among many lags some pass them by chance; :attr:`p_value` knows how many were looked at.
        """
        confidence = as_scalar(confidence, "confidence", minimum=0.0, maximum=1.0)
        low, high = np.quantile(
            self.simulated, [0.5 - confidence / 2, 0.5 + confidence / 2], axis=0
        )
        return low, high

    @property
    def local_p_value(self) -> FloatArray:
        """One-sided p-value of each lag, ``(1 + k)/(1 + n)``."""
        n = len(self.simulated)
        above = np.sum(self.simulated >= self.function.value, axis=0)
        return (1 + above) / (1 + n)

    @property
    def p_value(self) -> float:
        """How often chance makes a correlation as significant at any lag.

        The smallest local p-value over all lags is compared with those of the simulations.
        """
        n = len(self.simulated)
        order = np.argsort(np.argsort(-self.simulated, axis=0), axis=0)
        smallest = (1 + order).min(axis=1) / n
        above = np.sum(self.simulated >= self.function.value, axis=0)
        ours = float((1 + above).min()) / (1 + n)
        return float((1 + np.sum(smallest <= ours)) / (1 + n))

    def plot_data(self) -> dict[float, tuple[FloatArray, FloatArray]]:
        """Return the levels that :meth:`plot` draws."""
        return {level: self.level(level) for level in _SHOWN}

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the function with the levels of chance at 95 and 99 %; returns the axes."""
        ax = self.function.plot(ax)
        for (level, (low, high)), alpha in zip(self.plot_data().items(), (0.25, 0.12), strict=True):
            label = f"{100 * level:.0f} % of independent curves"
            ax.fill_between(
                self.function.lag, low, high, color="#1b6ca8", alpha=alpha, lw=0, label=label
            )
        ax.legend(frameon=False, fontsize="small")
        return ax

    def __repr__(self) -> str:
        return f"{self.function}\np = {self.p_value:.3g} by {len(self.simulated)} simulations"


def correlation_significance(
    first: LightCurve,
    second: LightCurve,
    psd: PSDLike | tuple[PSDLike, PSDLike],
    *,
    method: str = "zdcf",
    lags: ArrayLike | None = None,
    n: int = 1000,
    seed: SeedLike = None,
    executor: Executor | None = None,
) -> CorrelationSignificance:
    """Compare a correlation with that of independent curves of the same spectra and sampling.

    Parameters
    ----------
    first, second : LightCurve
        As for :func:`discrete_correlation`.
    psd : Fit or callable, or a pair of them
        Spectrum of each curve (one for both), as for :func:`simulate_lightcurve`. Fits of the two
        curves are the usual choice; how steep they are decides how large chance is.
    method, lags
        As for :func:`discrete_correlation`.
    n : int
        Number of simulated pairs.
    seed : int, SeedSequence or Generator, optional
    executor : concurrent.futures.Executor, optional

    Returns
    -------
    CorrelationSignificance

    Raises
    ------
    InputError
        As for :func:`discrete_correlation` and :func:`simulate_lightcurve`.

    Notes
    -----
    Simulations have the errors of the curves. With "dcf" a simulated curve whose variance is within
    its errors has no correlation function; such a pair is drawn anew, up to ten times as many.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> like = ak.LightCurve(np.arange(200.0), np.full(200, 10.0), np.full(200, 0.05))
    >>> psd = lambda f: 1e-4 * f**-2.0
    >>> one, two = (ak.timing.simulate_lightcurve(psd, like, seed=s) for s in (1, 2))
    >>> found = ak.timing.correlation_significance(one, two, psd, n=50, seed=3)
    >>> found.p_value > 0.01
    True
    """
    from ..parallel import map_items
    from .simulate import as_psd, require_count

    require_option(method, "method", METHODS)
    require_alike(first, second)
    edges = _default_edges(first, second) if lags is None else _checked_edges(lags)
    pair = Pair.of(first, second)
    observed = correlation(pair, edges, method=method)
    spectra = psd if isinstance(psd, tuple) else (psd, psd)
    if len(spectra) != 2:
        raise InputError("one spectrum, or one for each curve", value=len(spectra))
    if require_count(n, "n") < 10:
        raise InputError("so few simulations say little", value=n, allowed=">= 10")
    once = partial(
        _some,
        curves=(first, second),
        spectra=(as_psd(spectra[0]), as_psd(spectra[1])),
        pair=pair,
        plan=(observed.edges, method),
    )
    sizes = [min(_CURVES_AT_ONCE, n - i) for i in range(0, n, _CURVES_AT_ONCE)]
    parts = map_items(once, sizes, seeds=spawn(seed, len(sizes)), executor=executor)
    return CorrelationSignificance(observed, np.concatenate(parts))


def _some(
    count: int,
    seed: np.random.SeedSequence,
    *,
    curves: tuple[LightCurve, LightCurve],
    spectra: tuple[PSDLike, PSDLike],
    pair: Pair,
    plan: tuple[FloatArray, str],
) -> FloatArray:
    """Return correlation functions of simulated pairs ``(count, bins)``."""
    from .simulate import simulate_rates

    edges, method = plan
    children = iter(seed.spawn(20))
    found: list[FloatArray] = []
    for _ in range(10):
        rates = [
            simulate_rates(p, lc, count, seed=next(children))[:, lc.valid]
            for p, lc in zip(spectra, curves, strict=True)
        ]
        for a, b in zip(*rates, strict=True):
            drawn = pair.with_values(np.ascontiguousarray(a), np.ascontiguousarray(b))
            try:
                found.append(correlation(drawn, edges, method=method).value)
            except InputError:
                continue  # within its errors: see the notes
        if len(found) >= count:
            return np.array(found[:count])
    raise InputError(
        "simulated curves hardly vary beyond their errors",
        hint="use method='local' or 'zdcf', or check the spectra",
    )
