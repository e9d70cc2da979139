"""The search for a line: a score scan over energies, then full fits from its best places.

The score test asks how steeply the likelihood rises when a line of each energy is added to the
fitted continuum, with the continuum free to give way. It costs one matrix product for all energies,
and is nearly the likelihood ratio while lines are weak; the fits that follow make it exact. Real
and simulated data go through the same function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..inference import Fit, Uniform
from ..inference.parameters import Parameters
from .binned import BinnedSpectrum
from .components import GaussianLine
from .problem import SpectralProblem

__all__ = ["LineSearch", "profile", "require_untied", "score_scan", "search", "search_for"]

FloatArray = NDArray[np.float64]
_FEWEST_ENERGIES = 100
_MOST_ENERGIES = 400
_FITS = 3  # places of the scan from which fits start


@dataclass(frozen=True, eq=False)
class LineSearch:
    """What is searched, for any data of one design.

    Attributes
    ----------
    null, line : SpectralProblem
        The continuum, and the continuum with a line.
    energies : ndarray, shape (k,)
        Line energies of the scan, keV.
    templates : list of ndarray, shape (k, m)
        Counts of a line of one photon per cm2 and second at each energy, per spectrum.
    sign : int
        1 for emission, -1 for absorption, 0 for either.
    """

    null: SpectralProblem
    line: SpectralProblem
    energies: FloatArray
    templates: list[FloatArray]
    sign: int

    @property
    def names(self) -> tuple[str, str]:
        """Names of the line's energy and strength among the parameters."""
        names = self.line.model.names
        return names[-3], names[-1]


def search_for(
    null: SpectralProblem, *, band: tuple[float, float], width: float, sign: int
) -> LineSearch:
    """Return the search for a line in `band` (keV) with a Gaussian sigma of `width` keV."""
    low, high = band
    groups = sum(
        int(np.count_nonzero((b.energy_hi > low) & (b.energy_lo < high))) for b in null.data
    )
    k = int(np.clip(2 * groups, _FEWEST_ENERGIES, _MOST_ENERGIES))
    energies = np.linspace(low, high, k)
    component = GaussianLine(line_energy=Uniform(low, high), line_width=width)
    line = _with_line(null, component, sign)
    points = np.column_stack([energies, np.full(k, width), np.ones(k)])
    templates = [b.expected(GaussianLine(), points) for b in null.data]
    return LineSearch(null, line, energies, templates, sign)


def _with_line(null: SpectralProblem, component: GaussianLine, sign: int) -> SpectralProblem:
    """Return the problem with a line added, all else as it was."""
    model = null.model + component
    options = null.options()
    line = SpectralProblem(list(null.data), model, **options)
    strength = model.names[-1]
    # No line is stronger than all photons that the continuum has: let the prior say so.
    largest = 3 * max(_all_photons(b) for b in null.data)
    prior = Uniform(0.0 if sign > 0 else -largest, 0.0 if sign < 0 else largest)
    known = {p.name: p for p in null.parameters}
    parameters = Parameters([known.get(p.name, p) for p in line.parameters])
    start = 0.01 * largest * (sign or 1)
    return line.with_parameters(parameters.replace(strength, prior=prior, value=start))


def _all_photons(binned: BinnedSpectrum) -> float:
    """Return photons per cm2 and s that would make all counts, at the mean area of the band."""
    area = np.asarray(binned.fold.fold(np.ones((1, len(binned.grid))))).sum() / len(binned.grid)
    net = max(float(np.abs(binned.net_counts()).sum()), 1.0)
    return net / max(float(area), 1e-300)


def score_scan(
    search: LineSearch, problem: SpectralProblem, fit: Fit
) -> tuple[FloatArray, FloatArray]:
    """Return the score statistic and the implied line strength at each energy, shapes ``(k,)``.

    Parameters
    ----------
    search : LineSearch
    problem : SpectralProblem
        The null problem for some data, and
    fit : Fit
        its fit.
    """
    from .statistic_kernels import derivatives

    values = fit._all_values
    k, p = search.energies.size, values.size
    slope_a, info_aa, info_at = np.zeros(k), np.zeros(k), np.zeros((k, p))
    score, info = np.zeros(p), np.zeros((p, p))
    for number, template in enumerate(search.templates):
        factor = problem.factor(values, number)
        for part, (binned, mu, jacobian, columns) in enumerate(problem._jacobians(values, number)):
            slope, weight = np.empty(mu.size), np.empty(mu.size)
            derivatives(binned.code, mu, binned.data, slope, weight)
            score[columns] += jacobian @ slope
            info[np.ix_(columns, columns)] += (jacobian * weight) @ jacobian.T
            if part == 0:  # a second part is the background region, which sees no line
                line = factor * template
                slope_a += line @ slope
                info_aa += line**2 @ weight
                info_at[:, columns] += (line * weight) @ jacobian.T
    free = _moving(problem, values)
    inverse = np.linalg.pinv(info[np.ix_(free, free)], hermitian=True)
    gain = info_at[:, free] @ inverse
    u = slope_a - gain @ score[free]
    variance = info_aa - np.einsum("ij,ij->i", gain, info_at[:, free])
    ok = variance > 1e-9 * np.maximum(info_aa, 1e-300)
    strength = np.divide(u, variance, out=np.zeros(k), where=ok)
    if search.sign:
        strength = search.sign * np.maximum(search.sign * strength, 0.0)
    return strength**2 * np.where(ok, variance, 0.0), strength


def _moving(problem: SpectralProblem, values: FloatArray) -> NDArray[np.int64]:
    """Return free parameters that are not at a bound, where they could not give way."""
    index = problem.parameters.free_index
    bounds = problem.parameters.bounds
    inside = [low < values[j] < high for j, (low, high) in zip(index, bounds, strict=True)]
    return index[np.array(inside, dtype=bool)]


def search(
    search: LineSearch, data: Any, start: dict[str, float], seed: Any
) -> tuple[float, Fit, Fit]:
    """Return ``T = 2 (ln L with line - ln L without)``, and the two fits, of some data."""
    null = search.null if data is None else search.null.with_data(data)
    line = search.line if data is None else search.line.with_data(data)
    without = null.fit(start=start or None, n_starts=1 if start else 5, seed=seed)
    scan, strength = score_scan(search, null, without)
    fits = [
        line.fit(start=_start(search, without, at, strength[at]), n_starts=1, seed=seed)
        for at in _best_places(scan)
    ]
    best = max(fits, key=lambda fit: fit.log_likelihood)
    return max(2 * (best.log_likelihood - without.log_likelihood), 0.0), without, best


def _best_places(scan: FloatArray) -> NDArray[np.int64]:
    """Return the highest local maxima of the scan, at least one."""
    padded = np.concatenate([[-np.inf], scan, [-np.inf]])
    peaks = np.flatnonzero((padded[1:-1] >= padded[:-2]) & (padded[1:-1] > padded[2:]))
    if peaks.size == 0:
        peaks = np.array([int(scan.argmax())])
    return peaks[np.argsort(scan[peaks])[::-1][:_FITS]]


def _start(search: LineSearch, without: Fit, at: int, strength: float) -> dict[str, float]:
    energy, name = search.names
    low, high = _strengths(search)
    # Away from the bound at zero, where a search would stay.
    inside = float(np.clip(strength, low + 1e-6 * (high - low), high - 1e-6 * (high - low)))
    free = {n: without.values[n] for n in search.null.parameters.free_names}
    return {**free, energy: float(search.energies[at]), name: inside}


def _strengths(search: LineSearch) -> tuple[float, float]:
    prior = search.line.parameters[search.names[1]].prior
    return prior.support if prior is not None else (-np.inf, np.inf)


def profile(search: LineSearch, without: Fit) -> FloatArray:
    """Return T of a line at each energy of the scan, shape ``(k,)``, by fits where it matters.

    Below 1 the score statistic serves.
    """
    scan, strength = score_scan(search, search.null, without)
    energy, _ = search.names
    for k in np.flatnonzero(scan > 1):
        start = _start(search, without, int(k), strength[k])
        at = start.pop(energy)
        fixed = search.line.with_parameters(search.line.parameters.fix(**{energy: at}))
        fit = fixed.fit(start=start, n_starts=1)
        scan[k] = max(2 * (fit.log_likelihood - without.log_likelihood), 0.0)
    return scan


def require_untied(problem: SpectralProblem) -> None:
    """Refuse problems whose derivatives cannot follow the parameters.

    Raises
    ------
    InputError
    """
    if problem.parameters.has_ties:
        raise InputError(
            "a line scan cannot follow tied parameters",
            value=", ".join(p.name for p in problem.parameters if p.tied is not None),
            hint="let the spectra share the parameter (as they do unless it is untied), or fix it",
        )
