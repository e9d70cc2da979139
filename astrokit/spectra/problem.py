"""`SpectralProblem`: spectra, a model, and the statistic that fits them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError, ParameterError
from ..inference.parameters import Parameter, Parameters
from ..inference.priors import LogUniform
from ..inference.problem import Problem
from .binned import BinnedSpectrum
from .layout import Layout
from .models import Guide, SpectralModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..inference import Fit, Posterior

__all__ = ["SpectralProblem"]

FloatArray = NDArray[np.float64]
_CROSS_NORMALIZATION = (0.1, 10.0)
_COARSE = 100  # groups of the rough version of a long spectrum, from which a search is led
_COARSE_ABOVE = 500
_VARIANCES = ("chi2_data", "chi2_gehrels", "chi2_model")  # that come from counts
_FEW = 10.0  # counts in a group below which chi2 is not believed
_MOST_DENSE = 40_000_000  # numbers of a response that are handled as a plain array once


class SpectralProblem(Problem):
    r"""One or several spectra and a model of the photons that made them.

    The model is integrated over the energy bins of each response, folded through it, and compared
    with the counts of the noticed groups by one of these statistics, each -2 ln L but for a
    constant:

    ==============  ================================================================================
    "cstat"         Poisson counts without background, or with one that has a model of its own
                    (Cash 1979)
    "wstat"         Poisson counts with Poisson background counts, whose expectation is profiled out
                    in each group
    "pgstat"        Poisson counts with a background of known Gaussian error
    "chi2"          rates, net counts or fluxes with the errors that came with them; of counts
                    without errors, as "chi2_data"
    "chi2_data"     variance from the counts: biased low below some 30 counts a group
    "chi2_gehrels"  variance :math:`(1 + \sqrt{S + 0.75})^2` (Gehrels 1986): too large, so biased
                    the other way
    "chi2_model"    variance from the model
    "auto"          "cstat", "wstat" or "pgstat" for counts, as their background demands; "chi2"
                    for what is no counts
    ==============  ================================================================================

    Parameters
    ----------
    spectra : Spectrum, FluxPoints, or a sequence of them
    model : SpectralModel
        Such as ``TBabs(nh=0.07) * PowerLaw()``; all spectra share its parameters.
    statistic : str or sequence of str
        One for all, or one for each spectrum.
    untied : sequence of str
        Parameters of which each spectrum has its own: that of the second one ends in ``_of_2``.
        Other relations are ties: ``problem.with_parameters(problem.parameters.tie(...))``.
    cross_normalization : bool
        Let the second and further spectra differ from the first by a constant factor, a free
        parameter ``cross_normalization_2`` and so on.
    background : SpectralModel, optional
        A model of the background, folded as counts of the background region, which join the data;
        its parameters begin with ``background_``. For "cstat".

    Raises
    ------
    InputError
        When a statistic does not fit the data, a model does not emit, or a name is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> energy = np.geomspace(0.5, 8.0, 12)
    >>> truth = ak.spectra.PowerLaw().density(energy, photon_index=1.8, normalization=1e-3)
    >>> points = ak.spectra.FluxPoints(energy, truth, 0.05 * truth)
    >>> problem = ak.spectra.SpectralProblem(points, ak.spectra.PowerLaw())
    >>> problem
    <SpectralProblem: 12 data, free: photon_index, normalization>
    >>> round(problem.fit()["photon_index"].value, 6)
    1.8
    """

    citation_keys: tuple[str, ...] = ()

    def __init__(
        self,
        spectra: Any,
        model: SpectralModel,
        *,
        statistic: str | Sequence[str] = "auto",
        untied: Sequence[str] = (),
        cross_normalization: bool = False,
        background: SpectralModel | None = None,
    ) -> None:
        _require_emission(model)
        if background is not None:
            _require_emission(background)
        items = _listed(spectra)
        names = [statistic] * len(items) if isinstance(statistic, str) else list(statistic)
        if len(names) != len(items):
            raise InputError(
                "statistics and spectra differ in number", value=(len(names), len(items))
            )
        self._binned: tuple[BinnedSpectrum, ...] = tuple(
            BinnedSpectrum.of(item, name, modelled=background is not None)
            for item, name in zip(items, names, strict=True)
        )
        self._model, self._background = model, background
        self._layout = Layout.of(model, len(items), untied, cross_normalization, background)
        self._log_constant = _log_constant(self._binned)
        super().__init__(self._scaled(self._layout.named(self._defaults())))
        self.citation_keys = _citations(self._binned, model)

    # -- data ------------------------------------------------------------------------------------

    @property
    def data(self) -> tuple[BinnedSpectrum, ...]:
        """The binned spectra, in the order given."""
        return self._binned

    @property
    def model(self) -> SpectralModel:
        """The model of the source."""
        return self._model

    @property
    def statistic_name(self) -> str:
        return "+".join(dict.fromkeys(b.statistic for b in self._binned))

    @property
    def n_data(self) -> int:
        return sum(len(b) * (2 if b.has_modelled_background else 1) for b in self._binned)

    @property
    def label(self) -> str:
        return self._model.label

    def with_data(self, data: Any) -> Self:
        """Return the same problem for other spectra of the same number and kind."""
        items = _listed(data)
        if len(items) != len(self._binned):
            raise InputError(
                "the problem is one of another number of spectra",
                value=len(items),
                allowed=str(len(self._binned)),
            )
        other = copy.copy(self)
        other._binned = tuple(
            BinnedSpectrum.of(item, old.statistic, modelled=self._background is not None)
            for item, old in zip(items, self._binned, strict=True)
        )
        other._log_constant = _log_constant(other._binned)
        return other

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        arrays = {}
        for k, binned in enumerate(self._binned):
            arrays[f"data_{k}"] = binned.data
            arrays[f"energy_{k}"] = np.array([binned.energy_lo, binned.energy_hi])
        return arrays

    def settings(self) -> Mapping[str, Any]:
        return {
            "model": repr(self._model),
            "background": repr(self._background),
            "statistics": [b.statistic for b in self._binned],
            "layout": self._layout.as_list(),
        }

    def options(self) -> dict[str, Any]:
        """Return the options that made this problem, without spectra, model and statistic."""
        columns = self._layout.sources
        names = self._layout.model_names
        own = [n for j, n in enumerate(names) if any(c[j] != columns[0][j] for c in columns)]
        return {
            "untied": tuple(own),
            "cross_normalization": any(column >= 0 for column in self._layout.factors),
            "background": self._background,
        }

    def factor(self, values: FloatArray, which: int) -> float:
        """Return the cross-normalisation of one spectrum at ``(p,)`` values, 1 without one."""
        factor = self._layout.factor(values[None, :], which)
        return 1.0 if factor is None else float(factor[0])

    def provenance_inputs(self) -> list[dict[str, Any]]:
        return [*super().provenance_inputs(), *(r for b in self._binned for r in b.inputs)]

    # -- parameters ------------------------------------------------------------------------------

    def _defaults(self) -> tuple[list[Parameter], list[Parameter], Parameter]:
        """Return default parameters of source and background, and a cross-normalisation."""
        source = list(self._model.parameters(self._guide(background=False)))
        back: list[Parameter] = []
        if self._background is not None:
            back = list(self._background.parameters(self._guide(background=True)))
        factor = Parameter("cross_normalization", 1.0, LogUniform(*_CROSS_NORMALIZATION))
        return source, back, factor

    def _guide(self, *, background: bool) -> Guide:
        """Return the scales of the data, from a power law of index 2 that has the same counts."""
        from .components import PowerLaw

        low = min(float(b.energy_lo[b.energy_lo > 0].min(initial=np.inf)) for b in self._binned)
        high = max(float(b.energy_hi.max()) for b in self._binned)
        if not 0 < low < high:
            low, high = float(self._binned[0].grid.low[0]), float(self._binned[0].grid.high[-1])
        guide = Guide(low, high, 1.0)
        law = PowerLaw(pivot=guide.middle)
        values = np.array([[2.0, 1.0]])
        seen = expected = 0.0
        for b in self._binned:
            if background and b.background_fold is not None and b.background_grid is not None:
                seen += float(b.data[1].sum())
                photons = law.photons(b.background_grid, values)
                expected += float(b.background_fold.fold(photons).sum())
            else:
                net, weight = b.net_counts(), 1 / b.net_error() ** 2
                weight = np.ones_like(weight) if b.exposure == b.exposure else weight
                mu = b.expected(law, values)[0]
                seen += max(float(net @ weight), 1e-3 * float(np.abs(net) @ weight), 0.0)
                expected += float(mu @ weight)
        density = seen / expected if seen > 0 and expected > 0 else 1.0 / max(expected, 1e-300)
        return Guide(low, high, density)

    def _scaled(self, parameters: Parameters) -> Parameters:
        """Return parameters whose starting normalisations predict as many counts as were seen."""
        values = parameters.values
        seen = expected = 0.0
        for k, b in enumerate(self._binned):
            if b.exposure != b.exposure:
                continue
            mu = b.expected(self._model, self._layout.source(values[None, :], k))[0]
            seen += float(b.net_counts().sum())
            expected += float(mu.sum())
        if not (seen > 0 and expected > 0):
            return parameters
        for parameter in parameters.free:
            if not self._layout.is_normalization(parameter.name) or parameter.prior is None:
                continue
            low, high = parameter.prior.support
            value = min(max(parameter.value * seen / expected, low), high)
            parameters = parameters.replace(parameter.name, value=value)
        return parameters

    # -- likelihood ------------------------------------------------------------------------------

    def expected(self, values: FloatArray, which: int = 0) -> FloatArray:
        """Return expected source counts ``(n, m)`` of one spectrum for ``(n, p)`` values."""
        values = np.atleast_2d(np.asarray(values, dtype=float))
        binned = self._binned[which]
        mu = binned.expected(self._model, self._layout.source(values, which))
        factor = self._layout.factor(values, which)
        return mu if factor is None else mu * factor[:, None]

    def expected_background(self, values: FloatArray, which: int = 0) -> FloatArray:
        """Return expected counts ``(n, m)`` of the background region where it is modelled."""
        values = np.atleast_2d(np.asarray(values, dtype=float))
        b = self._binned[which]
        if self._background is None or b.background_fold is None or b.background_grid is None:
            raise InputError("this background has no model", hint="give background= a model")
        photons = self._background.photons(b.background_grid, self._layout.background(values))
        return b.background_fold.fold(photons)

    def _means(self, values: FloatArray, k: int) -> list[tuple[BinnedSpectrum, FloatArray]]:
        """Return the Poisson (or normal) data of one spectrum, each with its expectation."""
        binned = self._binned[k]
        mu = self.expected(values, k)
        if not binned.has_modelled_background:
            return [(binned, mu)]
        back = self.expected_background(values, k)
        return [(binned, mu + binned.data[2] * back), (binned.background_data, back)]

    def _statistic(self, values: FloatArray) -> FloatArray:
        total = np.zeros(values.shape[0])
        for k in range(len(self._binned)):
            for binned, mu in self._means(values, k):
                total += binned.statistics(mu)
        return total

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        return self._log_constant - 0.5 * self._statistic(values)

    def _deviance(self, values: FloatArray) -> float:
        return float(self._statistic(values[None, :])[0])

    def _pointwise(self, values: FloatArray) -> FloatArray:
        parts = []
        for k in range(len(self._binned)):
            for binned, mu in self._means(values, k):
                parts.append(binned.log_constants() - 0.5 * binned.terms(mu))
        return np.concatenate(parts, axis=1)

    def _residuals(self, values: FloatArray) -> FloatArray | None:
        if any(b.is_counts or b.statistic == "chi2_model" for b in self._binned):
            return None
        return np.concatenate(
            [(b.data[0] - self.expected(values, k)[0]) / b.data[3] for k, b in _counted(self)]
        )

    def _score_and_information(self, values: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        from .statistic_kernels import derivatives

        score, information = np.zeros(values.size), np.zeros((values.size,) * 2)
        total = 0.0
        for k in range(len(self._binned)):
            for binned, mu, jacobian, columns in self._jacobians(values, k):
                slope, weight = np.empty(mu.size), np.empty(mu.size)
                total += derivatives(binned.code, mu, binned.data, slope, weight)
                if not np.isfinite(total):  # negative expectations: there is no slope to follow
                    return -np.inf, np.zeros(values.size), np.eye(values.size)
                score[columns] += jacobian @ slope
                information[columns[:, None], columns] += (jacobian * weight) @ jacobian.T
        return self._log_constant - 0.5 * total, score, information

    def _observed_information(self, values: FloatArray) -> FloatArray:
        from .curvature import observed_information

        return observed_information(self, values)

    def _jacobians(
        self, values: FloatArray, k: int
    ) -> Iterable[tuple[BinnedSpectrum, FloatArray, FloatArray, NDArray[np.int64]]]:
        """Yield data, expectation ``(m,)``, its derivatives ``(q, m)`` and their q parameters."""
        binned, layout = self._binned[k], self._layout
        free = self.parameters.free_index
        block, columns = layout.derivatives(self._model, binned.grid, values, k, free)
        mean, slopes = self._folded(binned, block, values, layout.scale_rows(k, columns))
        factor = layout.factor(values[None, :], k)
        if factor is not None:
            slopes = np.concatenate([slopes * factor[0], mean[None, :]])
            mean = mean * factor[0]
            columns = np.append(columns, layout.factor_column(k))
        if not binned.has_modelled_background:
            yield binned, mean, slopes, columns
            return
        back, own = layout.background_derivatives(
            self._background, binned.background_grid, values, free
        )
        behind = binned.background_fold.fold(back)  # type: ignore[union-attr]
        ratio = binned.data[2]
        yield (
            binned,
            mean + ratio * behind[0],
            np.concatenate([slopes, ratio * behind[1:]]),
            np.concatenate([columns, own]),
        )
        yield binned.background_data, behind[0].copy(), behind[1:], own

    @staticmethod
    def _folded(
        binned: BinnedSpectrum,
        block: FloatArray,
        values: FloatArray,
        scales: list[tuple[int, int]],
    ) -> tuple[FloatArray, FloatArray]:
        """Return counts ``(m,)`` and their derivatives, folding the photons only if need be."""
        if not scales:
            folded = binned.fold.fold(block)
            return folded[0].copy(), folded[1:]
        slopes = binned.fold.fold(block[1:])
        return sum((values[c] * slopes[row] for c, row in scales), np.zeros(1)), slopes

    def _nearer(self, values: FloatArray) -> FloatArray:
        """Return values with normalisations that predict as much as was seen."""
        seen, expected = np.zeros(1), np.zeros(values.shape[0])
        for k, binned in enumerate(self._binned):
            net, mu = binned.net_counts(), self.expected(values, k)
            weight = np.ones((1, net.size)) if binned.is_counts else mu / binned.net_error() ** 2
            seen = seen + weight @ net
            expected += np.sum(weight * mu, axis=1)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            ratio = seen / expected
        usable = np.isfinite(ratio) & (ratio > 0)
        result = values.copy()
        for i, (low, high) in zip(self.parameters.free_index, self.parameters.bounds, strict=True):
            if self._layout.is_normalization(self.parameters.names[i]):
                scaled = np.clip(values[:, i] * ratio, low, high)
                result[:, i] = np.where(usable, scaled, values[:, i])
        return result

    def _coarse(self) -> SpectralProblem | None:
        """Return the same problem for few wide groups, whose maximum is near and cheap to find."""
        from .components import GaussianLine
        from .flux_models import EnergyFlux, PhotonFlux

        spectra = self._binned
        if max(map(len, spectra)) < _COARSE_ABOVE or any(
            b.has_modelled_background for b in spectra
        ):
            return None
        narrow = GaussianLine | EnergyFlux | PhotonFlux  # the latter may hold a line
        if any(isinstance(c, narrow) for c in self._model.components):
            return None  # one narrower than a group would be lost
        if any(not b.is_counts or b.fold.shape[0] * b.fold.shape[1] > _MOST_DENSE for b in spectra):
            return None
        other = copy.copy(self)
        other._binned = tuple(b.coarse(_COARSE) if len(b) > _COARSE else b for b in spectra)
        other._log_constant = _log_constant(other._binned)
        return other

    def _simulate_data(
        self, values: FloatArray, rng: np.random.Generator
    ) -> tuple[BinnedSpectrum, ...]:
        result = []
        for k, binned in enumerate(self._binned):
            means = self._means(values[None, :], k)
            drawn = binned.simulated(means[0][1][0], rng)
            if binned.has_modelled_background:
                drawn.data[1] = rng.poisson(means[1][1][0])
            result.append(drawn)
        return tuple(result)

    def _reservations(self, values: FloatArray) -> tuple[str, ...]:
        found = (_reservation(b) for b in self._binned)
        return tuple(dict.fromkeys(text for text in found if text))

    # -- what a user asks ------------------------------------------------------------------------

    def statistic(self, **values: Any) -> float:  # type: ignore[override]
        """Return the statistic at given parameter values, without a fit.

        Parameters
        ----------
        **values : float or Quantity
            By name; XSPEC names are understood. Parameters not given have their starting values.

        Raises
        ------
        ParameterError
            For an unknown name.
        """
        return self._deviance(self.values(**values))

    def values(self, **values: Any) -> FloatArray:
        """Return all parameters ``(p,)``: the starting values with these in their place."""
        parameters = self.parameters
        for name, value in values.items():
            own = self._layout.aliases.get(name, name)
            number = as_scalar(value, name, unit=parameters[own].unit)
            if parameters[own].tied is not None:
                raise ParameterError(
                    f"{name} is tied, so it has no value of its own", value=parameters[own].tied
                )
            parameters = parameters.replace(own, value=number, prior=None, fixed=True)
        return parameters.values

    def plot(self, *results: Fit | Posterior, **options: Any) -> tuple[Axes, Axes]:
        """Draw counts with folded models and residuals; see `astrokit.spectra.plot_fit`."""
        from .model_plots import plot_fit

        return plot_fit(self, *results, **options)

    def plot_unfolded(self, *results: Fit | Posterior, **options: Any) -> Axes:
        """Draw the spectral energy distribution; see `astrokit.spectra.plot_unfolded`."""
        from .model_plots import plot_unfolded

        return plot_unfolded(self, *results, **options)


# -- parts -----------------------------------------------------------------------------------------


def _counted(problem: SpectralProblem) -> Iterable[tuple[int, BinnedSpectrum]]:
    return enumerate(problem.data)


def _listed(spectra: Any) -> list[Any]:
    items = list(spectra) if isinstance(spectra, list | tuple) else [spectra]
    if not items:
        raise InputError("no spectrum is given", hint="give one, or a list of them")
    return items


def _require_emission(model: Any) -> None:
    if not isinstance(model, SpectralModel):
        raise InputError(
            "a spectral model is needed", value=type(model).__name__, hint="such as PowerLaw()"
        )
    if not model.is_additive:
        raise InputError(
            "the model only absorbs, nothing emits",
            value=model.label,
            hint="multiply it by a component that emits: TBabs() * PowerLaw()",
        )


def _reservation(binned: BinnedSpectrum) -> str:
    """Return what must be known of a fit of these counts by this statistic, or nothing."""
    empty = int(np.count_nonzero(binned.data[1] == 0))
    if binned.statistic == "wstat" and 2 * empty > len(binned):
        return (
            "W-stat is biased where background groups are empty, and "
            f"{empty} of {len(binned)} are; use group(min_background_counts=5), or give the "
            "background a model"
        )
    few = float(np.median(binned.data[0])) if binned.statistic in _VARIANCES else np.inf
    if few < _FEW:
        return (
            f"chi2 is biased for few counts, and half of the groups have {few:.3g} or fewer; "
            "use 'cstat' or 'wstat', or larger groups"
        )
    return ""


def _log_constant(spectra: Iterable[BinnedSpectrum]) -> float:
    """Return ln L of a model that meets every datum."""
    total = 0.0
    for binned in spectra:
        total += float(binned.log_constants().sum())
        if binned.has_modelled_background:
            total += float(binned.background_data.log_constants().sum())
    return total


_PAPERS = {"cstat": "cash1979", "wstat": "arnaud1996", "pgstat": "arnaud1996",
           "chi2_gehrels": "gehrels1986"}  # fmt: skip


def _citations(spectra: Iterable[BinnedSpectrum], model: SpectralModel) -> tuple[str, ...]:
    keys = [_PAPERS[b.statistic] for b in spectra if b.statistic in _PAPERS]
    for component in model.components:
        keys += component.citation_keys
    return tuple(dict.fromkeys(keys))
