"""Significance by simulation: an observed statistic against its distribution under a model."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FitError, InputError, LikelihoodError
from ..estimate import Estimate
from ..parallel import ItemError
from ..provenance import Provenance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SimulatedTest", "binomial_limit", "collect", "require_simulations"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class SimulatedTest:
    """A statistic of the data beside the same statistic of simulated data.

    Attributes
    ----------
    name : str
        What the statistic is.
    observed : ndarray, shape () or (n,)
        Of the data; one value per simulation where it depends on the drawn parameters.
    simulated : ndarray, shape (n,)
        Of the simulated data, failed simulations left out.
    n_failed : int
        Simulations whose fit failed.
    failures : tuple of str
        The first messages of those.
    provenance : Provenance
    notes : tuple of str
        What else a reader must know.
    """

    name: str
    observed: FloatArray
    simulated: FloatArray
    n_failed: int
    failures: tuple[str, ...]
    provenance: Provenance = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Number of simulations that count."""
        return self.simulated.size

    @property
    def n_exceeding(self) -> int:
        """Number of simulations at least as extreme as the data."""
        return int(np.count_nonzero(self.simulated >= self.observed))

    @property
    def p_value(self) -> Estimate:
        """The tail probability with its binomial error; the limit ``p < 1/n`` if none exceeds.

        That limit holds at the 63 % level; :meth:`upper_limit` gives others.
        """
        k, n = self.n_exceeding, self.n
        if k == 0:
            level = 1 - (1 - 1 / n) ** n if n > 1 else 0.5
            how = "none of the simulations exceeds"
            return Estimate(1 / n, 0.0, 0.0, level=level, method=how, name="p", limit="upper")
        p = k / n
        how = f"{k} of {n} simulations exceed; binomial error"
        return Estimate(p, math.sqrt(p * (1 - p) / n), method=how, name="p")

    def upper_limit(self, level: float = 0.95) -> float:
        """Return the exact binomial (Clopper-Pearson) upper limit of p, failures not counted."""
        return binomial_limit(self.n_exceeding, self.n, level)

    def plot_data(self, bins: int | Sequence[float] | str = "auto") -> dict[str, FloatArray]:
        """Return what :meth:`plot` draws: ``edges``, ``counts`` and ``observed``."""
        counts, edges = np.histogram(self.simulated, bins=bins)
        return {"edges": edges, "counts": counts.astype(float), "observed": self.observed}

    def plot(self, ax: Axes | None = None, bins: int | Sequence[float] | str = "auto") -> Axes:
        """Draw the simulated distribution with the observed value, return the axes."""
        import matplotlib.pyplot as plt

        ax = plt.subplots()[1] if ax is None else ax
        data = self.plot_data(bins)
        ax.stairs(
            data["counts"], data["edges"], fill=True, alpha=0.4, label=f"{self.n} simulations"
        )
        observed = float(np.mean(self.observed))
        label = "observed" if self.observed.ndim == 0 else "observed (mean)"
        ax.axvline(observed, color="C3", label=label)
        ax.set(xlabel=self.name, ylabel="simulations", title=self._p_text())
        ax.legend()
        return ax

    def _p_text(self) -> str:
        if self.n_exceeding == 0:
            return f"p < 1/{self.n} = {1 / self.n:.2g}"
        return str(self.p_value)

    def __repr__(self) -> str:
        seen = f"{float(np.mean(self.observed)):.5g}" + (" (mean)" if self.observed.ndim else "")
        lines = [
            f"{self.name}: observed {seen}, {self._p_text()}",
            f"  {self.n_exceeding} of {self.n} simulations are as extreme; "
            f"p < {self.upper_limit():.2g} at 95 % confidence",
        ]
        if self.n_failed:
            worst = (self.n_exceeding + self.n_failed) / (self.n + self.n_failed)
            lines.append(
                f"  {self.n_failed} simulations failed and are left out; had all of them "
                f"exceeded, p = {worst:.2g} (first: {self.failures[0]})"
            )
        return "\n".join([*lines, *(f"  ! {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def binomial_limit(k: int, n: int, level: float) -> float:
    """Return the Clopper-Pearson upper limit of a probability after `k` of `n`.

    Examples
    --------
    >>> from astrokit.inference.significance import binomial_limit
    >>> round(binomial_limit(0, 1000, 0.95), 6)  # the "rule of three": about 3/n
    0.002991
    """
    from scipy.special import betaincinv

    if not 0 < level < 1:
        raise InputError("level must be a probability", value=level, allowed="0 to 1")
    return 1.0 if k >= n else float(betaincinv(k + 1, n - k, level))


def collect(outcomes: Sequence[Any]) -> tuple[list[Any], tuple[str, ...]]:
    """Return the results and the messages of the fits that failed; raise any other error.

    Raises
    ------
    FitError
        When nothing is left.
    """
    results, failures = [], []
    for outcome in outcomes:
        if not isinstance(outcome, ItemError):
            results.append(outcome)
        elif isinstance(outcome.error, (FitError, LikelihoodError)):
            failures.append(str(outcome.error))
        else:
            outcome.error.add_note(outcome.where)
            raise outcome.error
    if not results:
        raise FitError(
            "the fit of every simulated data set failed",
            value=failures[0] if failures else None,
            hint="fit one simulated data set by hand: problem.simulate(fit.theta, 1).fit()",
        )
    return results, tuple(failures)


def require_simulations(n: int) -> int:
    """Return `n` if it is a number of simulations, or raise an InputError."""
    if isinstance(n, bool) or int(n) != n or n < 1:
        raise InputError("the number of simulations cannot be used", value=n, allowed=">= 1")
    return int(n)
