"""Is a chain long enough? Autocorrelation time, burn-in, R-hat, effective samples, and a verdict.

Everything reads a chain in strided ranges of bounded size, so the length of a chain costs no
memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

if TYPE_CHECKING:
    from .chain import ChainView

__all__ = ["Verdict", "autocorrelation_time", "diagnose", "find_burn_in", "split_rhat"]

FloatArray = NDArray[np.float64]

RHAT_CONVERGED = 1.01  # Vehtari et al. (2021)
RHAT_TENTATIVE = 1.05
_TENTATIVE = 0.4  # share of the wanted length that makes a tentative result
_WINDOW = 5.0  # Sokal: sum the correlation up to 5 tau
_SETTLE = 3.0  # autocorrelation times dropped beyond the transient that is found
_TRACE_ROWS = 2048  # rows per ensemble that the estimate of tau reads
_RHAT_DRAWS = 2048  # draws per ensemble that R-hat reads


@dataclass(frozen=True)
class Verdict:
    """What the diagnostics say about a chain.

    Attributes
    ----------
    word : {"converged", "tentative", "failed"}
    sentence : str
        Why, and what to do.
    steps, burn_in : int
        Sweeps of each ensemble, and how many of them are dropped from the front.
    tau : dict of str to float
        Integrated autocorrelation time in sweeps, per free parameter.
    effective_samples : dict of str to float
        Walkers x sweeps / tau over all ensembles.
    rhat : dict of str to float
        Rank-normalised split R-hat over ensembles (Vehtari et al. 2021, Bayesian Anal. 16, 667).
    acceptance : float
        Accepted share of the proposals.
    """

    word: str
    sentence: str
    steps: int
    burn_in: int
    tau: Mapping[str, float]
    effective_samples: Mapping[str, float]
    rhat: Mapping[str, float]
    acceptance: float

    def __bool__(self) -> bool:
        """Whether the chain converged."""
        return self.word == "converged"

    def __str__(self) -> str:
        return (
            f"{self.word}: {self.sentence}\n"
            f"  {self.steps} sweeps, of which {self.burn_in} burn-in; "
            f"longest tau {_worst(self.tau):.1f} sweeps; fewest effective samples "
            f"{_least(self.effective_samples):.0f}; largest R-hat {_worst(self.rhat):.4f}; "
            f"acceptance {self.acceptance:.2f}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types; ``Verdict(**d)`` restores it."""
        return asdict(self)


def autocorrelation_time(series: ArrayLike) -> float:
    """Return the integrated autocorrelation time of several chains of one quantity, in steps.

    Parameters
    ----------
    series : array_like, shape (n,) or (n, chains)
        Correlations are averaged over chains, relative to the common mean, so chains that
        disagree with each other lengthen the result.

    Returns
    -------
    float
        ``1 + 2 sum rho(t)`` up to 5 times itself (Sokal 1997; Goodman & Weare 2010), at least 1;
        infinite for a series that never changes, NaN for fewer than 4 steps.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.inference.diagnostics import autocorrelation_time
    >>> white = np.random.default_rng(1).standard_normal((2000, 20))
    >>> abs(autocorrelation_time(white) - 1) < 0.09  # four standard errors
    True
    """
    x = np.asarray(series, dtype=float)
    x = x.reshape(x.shape[0], -1) if x.ndim else x.reshape(1, 1)
    if x.shape[0] < 4:
        return math.nan
    rho = _autocorrelation(x)
    if rho is None:
        return math.inf
    tau = 2.0 * np.cumsum(rho) - 1.0
    inside = np.arange(tau.size) < _WINDOW * tau
    window = tau.size - 1 if inside.all() else int(np.argmin(inside))
    return max(1.0, float(tau[window]))


def _autocorrelation(x: FloatArray) -> FloatArray | None:
    """Return the mean autocorrelation of columns ``(n, chains)`` at lags below n / 2."""
    from scipy import fft

    if (x == x[0, 0]).all():
        return None
    n = x.shape[0]
    x = x - x.mean()
    x /= np.abs(x).max()  # squares of tiny numbers would be lost
    lags = max(2, n // 2)
    size = fft.next_fast_len(n + lags, real=True)  # padding: no lag wraps around
    power = np.zeros(size // 2 + 1)
    for start in range(0, x.shape[1], 64):  # a bounded number of transforms at once
        transform = fft.rfft(x[:, start : start + 64], size, axis=0)
        power += (transform.real**2 + transform.imag**2).sum(axis=1)
    covariance = fft.irfft(power, size)[:lags]
    covariance /= n - np.arange(covariance.size)
    return covariance / covariance[0]


def find_burn_in(series: ArrayLike) -> int:
    """Return how many steps at the front of a chain belong to the transient.

    The marginal standard error rule (White 1997, Simulation 69, 323): drop so many steps that the
    standard error of the mean of the rest is smallest; at most half.

    Parameters
    ----------
    series : array_like, shape (n, k)
        Quantities that settle, such as the ensemble's mean of each parameter; the slowest decides.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.inference.diagnostics import find_burn_in
    >>> noise = np.random.default_rng(1).standard_normal((1000, 1))
    >>> noise[:200] += 50 * np.exp(-np.arange(200) / 20)[:, None]
    >>> 60 < find_burn_in(noise) < 160
    True
    """
    y = np.asarray(series, dtype=float)
    y = y.reshape(y.shape[0], -1)
    n = y.shape[0]
    if n < 8:
        return 0
    y = (y - y.mean(axis=0)) / np.where(y.std(axis=0) > 0, y.std(axis=0), 1.0)
    count = n - np.arange(n)[:, None]
    mean = np.cumsum(y[::-1], axis=0)[::-1] / count
    square = np.cumsum(y[::-1] ** 2, axis=0)[::-1] / count
    error = (square - mean**2) / count
    return int(np.argmin(error[: n // 2 + 1], axis=0).max())


def split_rhat(chains: ArrayLike) -> float:
    """Return the rank-normalised split R-hat: the larger of that of location and of spread.

    Parameters
    ----------
    chains : array_like, shape (m, n)
        m independent chains of n draws; each is split into halves.

    Returns
    -------
    float
        Near 1 when all halves show the same distribution; NaN for fewer than 8 draws a chain,
        infinite when chains stand still at different places.

    Raises
    ------
    InputError
        When `chains` is not two-dimensional.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter, Buerkner (2021), Bayesian Analysis 16, 667.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.inference.diagnostics import split_rhat
    >>> x = np.random.default_rng(1).standard_normal((4, 1000))
    >>> split_rhat(x) < 1.01 < split_rhat(x + np.array([[0], [0], [0], [1]]))
    True
    """
    x = np.asarray(chains, dtype=float)
    if x.ndim != 2:
        raise InputError("chains must have shape (m, n)", value=f"shape {x.shape}")
    half = x.shape[1] // 2
    if half < 4:
        return math.nan
    x = np.concatenate([x[:, :half], x[:, -half:]])
    folded = np.abs(x - np.median(x))
    return max(_rhat(_rank_normalised(x)), _rhat(_rank_normalised(folded)))


def _rank_normalised(x: FloatArray) -> FloatArray:
    """Replace values by normal scores of their ranks; equal values share their mean rank."""
    from scipy.special import ndtri

    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    rank = np.cumsum(counts) - 0.5 * (counts - 1)
    return np.asarray(ndtri((rank - 0.375) / (x.size + 0.25)))[inverse].reshape(x.shape)


def _rhat(z: FloatArray) -> float:
    n = z.shape[1]
    if (z == z[:, :1]).all():  # every half stands still
        return math.nan if (z == z[0, 0]).all() else math.inf
    within = float(z.var(axis=1, ddof=1).mean())
    between = n * float(z.mean(axis=1).var(ddof=1))
    return math.sqrt((n - 1) / n + between / (n * within))


# -- the verdict on a whole chain -----------------------------------------------------------------


def diagnose(
    view: ChainView, names: Sequence[str], *, thin: int, until: float, acceptance: float
) -> Verdict:
    """Return the verdict on a chain.

    Parameters
    ----------
    view : ChainView
    names : sequence of str
        Free parameters.
    thin : int
        Sweeps per stored row.
    until : float
        Length beyond burn-in, in autocorrelation times, that counts as enough.
    acceptance : float
        Accepted share of the proposals.

    Returns
    -------
    Verdict
    """
    n_ensembles, rows, walkers, _ = view.shape
    burn = _burn_in_rows(view)
    tau = _tau_rows(view, burn)
    longest = float(np.max(tau)) if np.isfinite(tau).all() else math.inf
    if math.isfinite(longest):
        burn = min(burn + math.ceil(_SETTLE * longest), rows // 2)
    kept = rows - burn
    rhat, stuck = _agreement(view, burn)
    verdict = Verdict(
        word="",
        sentence="",
        steps=rows * thin,
        burn_in=burn * thin,
        tau=dict(zip(names, (tau * thin).tolist(), strict=True)),
        effective_samples=dict(
            zip(names, (n_ensembles * walkers * kept / tau).tolist(), strict=True)
        ),
        rhat=dict(zip(names, rhat, strict=True)),
        acceptance=acceptance,
    )
    word, sentence = _judge(verdict, stuck, until)
    return replace(verdict, word=word, sentence=sentence)


def _burn_in_rows(view: ChainView) -> int:
    """Return the transient in rows, from means and spreads over all walkers."""
    n_ensembles, rows, _, _ = view.shape
    step = max(1, rows // 512)
    settling: FloatArray = np.zeros(())
    for ensemble in range(n_ensembles):
        records = view.read(ensemble, step=step)
        spread = np.abs(
            records[..., :-1] - np.median(records[len(records) // 2 :], axis=(0, 1))[:-1]
        )
        series = np.concatenate([records.mean(axis=1), spread.mean(axis=1)], axis=1)
        settling = settling + series / n_ensembles
    if rows < 8:
        return 0
    return find_burn_in(settling) * step


def _tau_rows(view: ChainView, burn: int) -> FloatArray:
    """Return tau of each parameter in rows, shape ``(d,)``, from a stride fine enough to see it."""
    n_ensembles, rows, _, width = view.shape
    step = max(1, (rows - burn) // _TRACE_ROWS)
    while True:
        start = max(burn, rows - _TRACE_ROWS * step)
        records = np.concatenate(
            [view.read(e, start, None, step) for e in range(n_ensembles)], axis=1
        )
        tau = np.array([autocorrelation_time(records[..., k]) for k in range(width - 1)])
        # A stride near tau would round it up to the stride; look closer until it does not.
        if step == 1 or not (tau < 5.0).any():
            return tau * step
        step = max(1, step // 4)


def _agreement(view: ChainView, burn: int) -> tuple[list[float], float]:
    """Return R-hat per parameter and the share of walkers that never moved in the second half."""
    n_ensembles, rows, walkers, width = view.shape
    step = max(1, (rows - burn) * walkers // _RHAT_DRAWS)
    records = np.stack([view.read(e, burn, None, step) for e in range(n_ensembles)])
    chains = records.reshape(n_ensembles, -1, width)
    rhat = [split_rhat(chains[:, :, k]) for k in range(width - 1)]
    second = records[:, records.shape[1] // 2 :]
    still = (second == second[:, :1]).all(axis=(1, 3)) if second.shape[1] > 1 else np.zeros(1)
    return rhat, float(still.mean())


def _judge(facts: Verdict, stuck: float, until: float) -> tuple[str, str]:
    """Return the word and one sentence of reason and advice."""
    tau, rhat = _worst(facts.tau), _worst(facts.rhat)
    slowest = max(facts.tau, key=lambda name: _large(facts.tau[name]))
    kept = facts.steps - facts.burn_in
    if not math.isfinite(tau) or not math.isfinite(rhat):
        return "failed", "the chain is too short, or stands still; raise max_steps"
    length = kept / tau
    wanted = math.ceil(1.2 * (facts.burn_in + until * tau))
    if stuck > 0.02:
        return "failed", (
            f"{100 * stuck:.0f} % of the walkers do not move; look at trace(), narrow the priors "
            "or give a better start"
        )
    if rhat > RHAT_TENTATIVE:
        where = max(facts.rhat, key=lambda name: _large(facts.rhat[name]))
        return "failed", (
            f"the ensembles disagree about {where} (R-hat {rhat:.3f}); there may be several modes: "
            "look at trace(), use more walkers or raise max_steps"
        )
    if length >= until and rhat <= RHAT_CONVERGED:
        return "converged", f"{length:.0f} autocorrelation times after burn-in, as wanted"
    short = f"{length:.0f} of the wanted {until:g} autocorrelation times of {slowest}"
    advice = f"raise max_steps to about {max(wanted, math.ceil(1.5 * facts.steps))}"
    if length >= _TENTATIVE * until:
        reason = short if length < until else f"R-hat is {rhat:.3f}, above {RHAT_CONVERGED}"
        return "tentative", f"{reason}; {advice}"
    return "failed", f"{short}; {advice}"


def _large(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _worst(values: Mapping[str, float]) -> float:
    return max(map(_large, values.values()))


def _least(values: Mapping[str, float]) -> float:
    return min(0.0 if math.isnan(v) else v for v in values.values())
