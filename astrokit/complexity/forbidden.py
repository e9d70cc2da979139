"""Missing patterns: how many do not occur, and whether noise could leave as many out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..randomness import SeedLike
from .counting import OrdinalCounts, ordinal_counts, patterns_of_codes
from .series import as_series, check_delay, check_size, n_states
from .surrogates import SurrogateTest, shuffled_surrogate, surrogate_test

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

__all__ = ["MissingPatterns", "missing_patterns"]

_LARGEST = 9


@dataclass(frozen=True, eq=False)
class MissingPatterns:
    """Patterns that do not occur in a series.

    Attributes
    ----------
    counts : OrdinalCounts
    test : SurrogateTest
        Of their number among that of surrogates, upper tail.
    """

    counts: OrdinalCounts
    test: SurrogateTest

    @property
    def number(self) -> int:
        """How many of the n! patterns do not occur."""
        return self.counts.n_missing

    @property
    def expected(self) -> float:
        """Mean number in the surrogates: what a series of this length leaves out by chance."""
        return float(self.test.simulated.mean())

    @property
    def p_value(self) -> float:
        """Probability that as many are missing under the null hypothesis."""
        return self.test.p_value

    @property
    def patterns(self) -> NDArray[np.int64]:
        """The missing patterns, shape (k, n), as positions of the samples in rising order.

        Raises
        ------
        InputError
            For n > 9, where there are too many to list.
        """
        n = self.counts.n
        if n > _LARGEST:
            raise InputError("too many patterns to list", value=n, allowed=f"n <= {_LARGEST}")
        absent = np.setdiff1d(np.arange(n_states(n)), self.counts.codes)
        return patterns_of_codes(absent, n)

    def __str__(self) -> str:
        return (
            f"{self.number} of {self.counts.n_states} patterns missing in "
            f"{self.counts.n_windows} windows; {self.expected:.4g} in {self.test.null}s; "
            f"p = {self.p_value:.3g}"
        )

    __repr__ = __str__


def missing_patterns(
    x: Any,
    *,
    n: int = 5,
    delay: int = 1,
    surrogate: Callable[..., Any] = shuffled_surrogate,
    n_surrogates: int = 199,
    seed: SeedLike = None,
    executor: Executor | None = None,
) -> MissingPatterns:
    """Return which patterns do not occur, and how probable that is for noise.

    Deterministic maps forbid patterns for ever; a short series of noise leaves some out by chance,
    and a smooth one many (Amigo, Zambrano & Sanjuan 2007). The surrogates say how many.

    Parameters
    ----------
    x : array_like or LightCurve, shape (N,)
    n, delay : int
    surrogate : callable
        As for :func:`surrogate_test`; white noise by default, :func:`iaaft_surrogate` for
        correlated noise.
    n_surrogates, seed, executor
        As for :func:`surrogate_test`.

    Returns
    -------
    MissingPatterns

    Examples
    --------
    The logistic map never falls twice in a row:

    >>> import astrokit as ak
    >>> from astrokit.complexity import examples
    >>> answer = ak.complexity.missing_patterns(examples.logistic(1000).x, n=3, seed=1)
    >>> answer.patterns.tolist(), answer.p_value
    ([[2, 1, 0]], 0.005)
    """
    n, delay = check_size(n), check_delay(delay)
    values = np.asarray(as_series(x, missing="drop").values, dtype=float)
    counts = ordinal_counts(values, n=n, delay=delay, missing="drop")
    test = surrogate_test(
        values,
        surrogate,
        statistic=partial(number_missing, n=n, delay=delay),
        n=n,
        delay=delay,
        tail="upper",
        n_surrogates=n_surrogates,
        seed=seed,
        executor=executor,
    )
    return MissingPatterns(counts, test)


def number_missing(x: Any, *, n: int, delay: int) -> float:
    """Return how many patterns do not occur."""
    return float(ordinal_counts(x, n=n, delay=delay, missing="drop").n_missing)
