"""Vuong's test: which of two models that do not contain each other lies closer to the data."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ComparisonError
from ..inference.fit_result import Fit

__all__ = ["VuongTest", "vuong", "vuong_from_terms"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class VuongTest:
    """The likelihood ratio of two models in units of its own scatter.

    Attributes
    ----------
    names : tuple of str
        First and second model.
    log_ratio : float
        ln L of the first minus that of the second.
    statistic : float
        The ratio over its standard error; positive where the first is better.
    p_value : float
        Two-sided: small where one of them is closer to the data.
    n_data : int
    """

    names: tuple[str, str]
    log_ratio: float
    statistic: float
    p_value: float
    n_data: int

    @property
    def preferred(self) -> str | None:
        """The model that is closer at the 5 % level, or None."""
        if not self.p_value < 0.05:
            return None
        return self.names[0] if self.statistic > 0 else self.names[1]

    def __repr__(self) -> str:
        verdict = f"{self.preferred} is closer" if self.preferred else "not distinguished"
        return (
            f"Vuong test, {self.names[0]} against {self.names[1]}: ln L ratio "
            f"{self.log_ratio:+.2f}, V = {self.statistic:+.2f}, p = {self.p_value:.2g}: {verdict}"
        )

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>"


def vuong(first: Fit, second: Fit) -> VuongTest:
    """Return Vuong's test of two fits to the same data (Vuong 1989).

    It asks which model is closer, not whether either is right. For nested models (a single and a
    broken law) it does not hold: use :func:`astrokit.likelihood_ratio_test`.

    Parameters
    ----------
    first, second : Fit
        Of problems whose likelihood is a sum over data.

    Raises
    ------
    ComparisonError
        For fits to different data.
    InputError
        For a fit that was loaded from a file, or a likelihood that is no sum over data.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> E = 1e38 * np.random.default_rng(1).lognormal(0, 0.8, 500)
    >>> E = E[E > 1e37]
    >>> fits = [ak.bursts.EnergyProblem(E, model, threshold=1e37).fit()
    ...         for model in (ak.bursts.LogNormal(), ak.bursts.PowerLaw())]
    >>> ak.bursts.vuong(*fits).preferred
    'log-normal'
    """
    if first.data_checksum != second.data_checksum:
        raise ComparisonError(
            "the two fits are not of the same data",
            value=f"{first.label}: {first.data_checksum[:12]}; {second.label}: "
            f"{second.data_checksum[:12]}",
            hint="fit both models above the same threshold",
        )
    terms = [fit.require_problem().pointwise(fit.theta)[0] for fit in (first, second)]
    return vuong_from_terms(*terms, names=(first.label, second.label))


def vuong_from_terms(first: FloatArray, second: FloatArray, *, names: tuple[str, str]) -> VuongTest:
    """Return Vuong's test from log-likelihoods per datum, each of shape ``(n,)``."""
    difference = first - second
    n = difference.size
    ratio = float(difference.sum())
    scatter = float(np.std(difference))
    if scatter == 0.0 or not math.isfinite(ratio):
        statistic = 0.0 if ratio == 0.0 else math.copysign(math.inf, ratio)
    else:
        statistic = ratio / (math.sqrt(n) * scatter)
    return VuongTest(names, ratio, statistic, math.erfc(abs(statistic) / math.sqrt(2.0)), n)
