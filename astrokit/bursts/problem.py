"""`EnergyProblem`: the unbinned likelihood of burst energies under a model of dN/dE."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, require_equal_lengths
from ..errors import InputError, ShapeError
from ..inference.problem import CompiledLikelihood, Problem
from ..randomness import SeedLike, as_generator
from .completeness import Completeness
from .design import Design
from .models import EnergyGuide, EnergyModel
from .sample import BurstSample, as_sample
from .sharp import Profile, SharpLaw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..inference import Fit, Posterior

__all__ = ["Energies", "EnergyProblem"]

FloatArray = NDArray[np.float64]
Values: TypeAlias = ArrayLike | Mapping[str, float]
_FEWEST = 10
_LARGE_ERROR = 0.3  # of ln E: from here on the errors of a steep law shift the index


@dataclass(frozen=True, eq=False)
class Energies:
    """What an :class:`EnergyProblem` holds as data.

    Attributes
    ----------
    energy : ndarray, shape (n,)
        erg; the lower limit of a saturated burst.
    saturated : ndarray of bool, shape (n,)
    """

    energy: FloatArray
    saturated: NDArray[np.bool_]


class EnergyProblem(Problem):
    r"""Burst energies above a threshold and a model of their distribution.

    Each burst contributes its own probability: :math:`\ln L = \sum \ln [p(E_i) f(E_i) / \int_{m_i}
    p f\,dE]` with the model p, the completeness f and the threshold :math:`m_i` of that burst.
    Saturated bursts contribute the probability to lie above their limit. With ``errors=True`` p f
    is convolved with the error of each energy (Gaussian in ln E), and the threshold applies to the
    measured energy.

    Parameters
    ----------
    sample : BurstSample, or energies (Quantity, or plain numbers in erg)
    model : EnergyModel
    threshold : float, array_like or Quantity, optional
        Energy from which on bursts are used, erg; by default that of the sample. One below the
        completeness of the survey turns its roll-over into a break.
    completeness : Completeness, optional
        Detection probability against the true energy.
    errors : bool
        Convolve with the errors of the energies.

    Raises
    ------
    InputError
        Without a threshold, for fewer than 10 bursts above it, for errors that are missing, or
        bursts above the largest energy that the model has.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> energy = 1e37 * np.random.default_rng(1).uniform(size=400) ** (-1 / 0.8)  # index 1.8
    >>> problem = ak.bursts.EnergyProblem(energy, ak.bursts.PowerLaw(), threshold=1e37)
    >>> print(problem.fit()["index"])
    index = 1.78 +/- 0.04
    """

    statistic = "unbinned energies"
    citation_keys: tuple[str, ...] = ("crawford1970",)

    def __init__(
        self,
        sample: BurstSample | ArrayLike,
        model: EnergyModel,
        *,
        threshold: Any = None,
        completeness: Completeness | None = None,
        errors: bool = False,
    ) -> None:
        _require(model, EnergyModel, "a model", "BrokenPowerLaw()")
        if completeness is not None:
            _require(completeness, Completeness, "a completeness", "LogisticCompleteness(1e37)")
        sample = as_sample(sample)
        energy = sample.require("energy")
        limits = _thresholds(sample, threshold)
        used = energy >= limits
        _require_bursts(energy, limits, used)
        flags = sample.saturated if sample.saturated is not None else np.zeros(len(sample), bool)
        _require_measured(used, flags)
        self._n_below = int(np.count_nonzero(~used))
        self._model, self._completeness = model, completeness
        sigma = _log_errors(sample)
        self._large_error = 0.0
        if sigma is not None and not errors:
            self._large_error = float(np.median(sigma[used]))
        elif sigma is None and errors:
            raise InputError(
                "errors=True needs errors of the energies", hint="BurstSample(energy_error=...)"
            )
        self._bursts = sample.select(used)
        self._design = Design.of(
            limits[used],
            sigma[used] if errors and sigma is not None else None,
            np.where(flags[used], energy[used], np.inf),
            completeness,
            top=float(energy[used].max()),
        )
        self._set_data(Energies(energy[used], flags[used]))
        log10 = np.sort(np.log10(energy[used]))
        guide = EnergyGuide.of(log10, float(np.log10(self._design.lowest)))
        self.citation_keys = (*self.citation_keys, *model.citations)
        super().__init__(model.parameters(guide))

    # -- data ----------------------------------------------------------------------------------

    @property
    def data(self) -> Energies:
        """Energies and saturation flags of the bursts above their thresholds."""
        return self._data

    @property
    def model(self) -> EnergyModel:
        """The model."""
        return self._model

    @property
    def bursts(self) -> BurstSample:
        """The bursts that are used, as they were given."""
        return self._bursts

    @property
    def completeness(self) -> Completeness | None:
        """The detection probability, or None where all bursts above the threshold are found."""
        return self._completeness

    @property
    def threshold(self) -> FloatArray:
        """Threshold of each burst in erg, shape ``(n,)``."""
        return self._design.threshold

    @property
    def n_below(self) -> int:
        """How many bursts of the sample lie below their thresholds and are not used."""
        return self._n_below

    @property
    def n_data(self) -> int:
        return self._data.energy.size

    @property
    def label(self) -> str:
        return self._model.label

    def with_data(self, data: Any) -> Self:
        """Return the same problem for other energies: `Energies`, or plain numbers in erg.

        Raises
        ------
        ShapeError
            For another number of bursts, where thresholds, errors or flags differ from burst to
            burst.
        """
        if not isinstance(data, Energies):
            energy = as_array(data, "energy", unit="erg", positive=True)
            data = Energies(energy, np.zeros(energy.size, dtype=bool))
        require_equal_lengths(energy=data.energy, saturated=data.saturated)
        if data.energy.size != self.n_data and not self._design.is_uniform:
            raise ShapeError(
                "thresholds or errors differ from burst to burst, so their number is fixed",
                value=data.energy.size,
                allowed=str(self.n_data),
            )
        other = copy.copy(self)
        other._design = self._design.resized(data.energy.size)
        limits = other._design.threshold
        below = data.energy < limits
        if below.any():
            i = int(np.flatnonzero(below)[0])
            raise InputError(
                "an energy lies below its threshold",
                value=f"{data.energy[i]:.4g} erg at index {i}",
                allowed=f">= {limits[i]:.4g} erg",
            )
        other._set_data(data)
        return other

    def resampled(self, seed: SeedLike = None) -> Self:
        """Return the problem for as many bursts drawn with replacement: a bootstrap sample."""
        rows = as_generator(seed).integers(0, self.n_data, self.n_data)
        other = copy.copy(self)
        other._design = self._design.rows(rows)
        other._set_data(Energies(self._data.energy[rows], self._data.saturated[rows]))
        return other

    def profile(self, log_break_energy: ArrayLike | None = None) -> Profile:
        """Return ln L against the break, both indices fitted; for a sharply broken law only.

        Parameters
        ----------
        log_break_energy : array_like, optional
            log10 of break energies in erg, increasing; by default every burst in the allowed range.

        Raises
        ------
        InputError
            For a model without a sharp break, or energies convolved with their errors.
        """
        if self._law is None or not self._law.is_broken:
            raise InputError(
                "only a sharply broken power law without errors has this profile",
                value=self.label,
                hint="fit.profile(name) works for every model",
            )
        reference = self._design.log_reference
        if log_break_energy is None:
            places = self._law.candidates(self._parameters)
        else:
            places = as_array(log_break_energy, "log_break_energy") * math.log(10.0) - reference
        return self._law.profile(self._parameters, places, self._jacobian + self._detection)

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        arrays: dict[str, NDArray[Any]] = {
            "energy": self._data.energy,
            "saturated": self._data.saturated.astype(np.int64),
            "threshold": self._design.threshold,
        }
        if self._design.sigma is not None:
            arrays["log_error"] = self._design.sigma
        return arrays

    def settings(self) -> Mapping[str, Any]:
        return {"model": repr(self._model), "completeness": repr(self._completeness)}

    def provenance_inputs(self) -> list[dict[str, Any]]:
        return [*super().provenance_inputs(), *(dict(r) for r in self._bursts.inputs)]

    def _set_data(self, data: Energies) -> None:
        if self._design.sigma is None:
            _require_possible(data.energy, self._model)
        self._data = data
        self._y = np.log(data.energy) - self._design.log_reference
        self._law: SharpLaw | None = None
        detected = self._y[~data.saturated]
        # Densities are per erg: ln of dlnE/dE, summed over the data.
        self._jacobian = -float(detected.sum()) - detected.size * self._design.log_reference
        self._detection = self._design.log_detection(detected)
        if self._design.sigma is None and SharpLaw.describes(self._model):
            self._law = SharpLaw(self._model, detected, self._y[data.saturated], self._design)
        self._sorted: FloatArray = np.sort(detected) if self._law is None else self._law.y

    # -- likelihood ----------------------------------------------------------------------------

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        rows = self._model.rows(values, self._design.log_reference)
        if self._law is not None:
            return self._law.log_likelihoods(rows) + (self._jacobian + self._detection)
        d = self._design
        if d.sigma is None:
            return (
                d.log_likelihoods(
                    self._model.code,
                    rows,
                    self._sorted,
                    self._y[self._data.saturated],
                    self._detection,
                )
                + self._jacobian
            )
        from .kernels import log_likelihoods_with_errors

        out = np.empty(rows.shape[0])
        log_likelihoods_with_errors(
            self._model.code, rows, self._y, self._data.saturated, d.sigma, d.error_groups, out
        )
        return out + self._jacobian

    def _pointwise(self, values: FloatArray) -> FloatArray:
        rows = self._model.rows(values, self._design.log_reference)
        terms = self._design.pointwise(self._model.code, rows, self._y, self._data.saturated)
        per_erg = np.where(self._data.saturated, 0.0, -self._y - self._design.log_reference)
        return terms + per_erg

    @property
    def kernel(self) -> CompiledLikelihood | None:
        if self._law is None:
            return None
        data = self._law.packed(self._jacobian + self._detection)
        if data is None:
            return None
        from .break_kernels import packed_law

        return CompiledLikelihood(packed_law, data)

    def _score_and_information(
        self, values: FloatArray
    ) -> tuple[float, FloatArray, FloatArray] | None:
        if self._law is None:
            return None
        row = self._model.rows(values[None, :], self._design.log_reference)[0]
        value, score, information = self._law.score_and_information(row)
        return value + self._jacobian + self._detection, score, information

    def _known_maximum(self) -> tuple[FloatArray, float] | None:
        if self._law is None or self._parameters.has_ties:
            return None
        return self._law.maximum(self._parameters, self._jacobian + self._detection)

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> Energies:
        row = self._model.rows(values[None, :], self._design.log_reference)[0]
        y = self._design.simulate(self._model.code, row, rng)
        saturation = self._design.saturation
        saturated = y > saturation
        energy = np.exp(np.minimum(y, saturation) + self._design.log_reference)
        # exp(log(threshold)) may round to just below it.
        return Energies(np.maximum(energy, self._design.threshold), saturated)

    def _reservations(self, values: FloatArray) -> tuple[str, ...]:
        if self._large_error < _LARGE_ERROR:
            return ()
        return (
            f"the errors of the energies are large (median {self._large_error:.2g} of the energy) "
            f"and are not used: a steep law comes out too high in number; use errors=True",
        )

    # -- what it predicts ----------------------------------------------------------------------

    def density(self, energy: ArrayLike, values: Values, *, observed: bool = False) -> FloatArray:
        """Return the probability density per erg ``(n, m)``, normalised above the threshold.

        Parameters
        ----------
        energy : array_like or Quantity, shape (m,)
        values : array_like ``(n, p)`` or ``(p,)``, or mapping of str to float
            Values of ALL parameters: ``fit.values``.
        observed : bool
            With the completeness folded in; otherwise what a complete survey would see.
        """
        e = np.log(as_array(energy, "energy", unit="erg", positive=True))
        log_reference = self._design.log_reference
        rows = self._model.rows(self._rows(values), log_reference)
        return self._design.density(self._model.code, rows, e - log_reference, observed) * np.exp(
            -e
        )

    def survival(self, values: Values) -> FloatArray:
        """Return the probability ``(n,)`` of a burst above its threshold to exceed each burst.

        Under the true model these are uniform between 0 and 1, whatever thresholds and
        completeness; see :func:`astrokit.bursts.ks_distance`.

        Parameters
        ----------
        values : array_like, shape (p,), or mapping of str to float
            Values of ALL parameters: ``fit.values``.

        Raises
        ------
        InputError
            With saturated bursts, or energies convolved with their errors.
        """
        if self._design.sigma is not None or self._data.saturated.any():
            raise InputError(
                "lower limits, and energies with errors, have no such probability",
                value=f"{int(self._data.saturated.sum())} saturated bursts",
                hint="leave saturated bursts out; compare models by AIC instead",
            )
        row = self._model.rows(self._rows(values)[:1], self._design.log_reference)[0]
        return self._design.survival(self._model.code, row, self._y)

    def plot(self, *results: Fit | Posterior, ax: Axes | None = None) -> Axes:
        """Draw the energy function; see :func:`astrokit.bursts.plot_energy_function`."""
        from .plots import plot_energy_function

        return plot_energy_function(self, *results, ax=ax)

    def _rows(self, values: Values) -> FloatArray:
        if isinstance(values, Mapping):
            values = [values[name] for name in self.parameters.names]
        rows = np.atleast_2d(np.asarray(values, dtype=float))
        if rows.ndim != 2 or rows.shape[1] != len(self.parameters):
            raise ShapeError(
                "values must hold every parameter",
                value=f"shape {rows.shape}",
                allowed=f"(n, {len(self.parameters)}): {', '.join(self.parameters.names)}",
            )
        return rows


# -- parts ----------------------------------------------------------------------------------------


def _require(value: object, kind: type, what: str, example: str) -> None:
    if not isinstance(value, kind):
        raise InputError(f"{what} is needed", value=type(value).__name__, hint=f"such as {example}")


def _thresholds(sample: BurstSample, threshold: Any) -> FloatArray:
    """Return the threshold of each burst in erg."""
    if threshold is None:
        own = sample.threshold_per_burst
        if own is None:
            raise InputError(
                "a threshold is needed: the energy above which the search was complete",
                hint="threshold=1e37 * u.erg, or BurstSample(threshold=...); PowerLawTail.fit "
                "finds one from the data alone",
            )
        return own
    limits = as_array(threshold, "threshold", unit="erg", ndim=None, positive=True)
    if limits.ndim == 0 or limits.size == 1:
        return np.full(len(sample), float(limits.ravel()[0]))
    require_equal_lengths(energy=sample.require("energy"), threshold=limits)
    return limits


def _require_bursts(energy: FloatArray, limits: FloatArray, used: NDArray[np.bool_]) -> None:
    n = int(np.count_nonzero(used))
    if n >= _FEWEST and np.ptp(energy[used]) > 0:
        return
    if n >= _FEWEST:
        raise InputError(
            "all bursts have the same energy", value=f"{n} times {energy[used][0]:.4g} erg"
        )
    what = "all bursts lie below the threshold" if n == 0 else "too few bursts above the threshold"
    raise InputError(
        what,
        value=f"{n} of {energy.size} above {limits.min():.4g} erg; the largest has "
        f"{energy.max():.4g} erg",
        allowed=f"at least {_FEWEST}",
        hint="lower the threshold if the search is complete there; check the unit of the energies",
    )


def _require_measured(used: NDArray[np.bool_], saturated: NDArray[np.bool_]) -> None:
    measured = int(np.count_nonzero(used & ~saturated))
    if measured < _FEWEST:
        raise InputError(
            "too few measured energies: the other bursts are lower limits",
            value=f"{measured} of {np.count_nonzero(used)} bursts above the threshold",
            allowed=f"at least {_FEWEST}",
        )


def _require_possible(energy: FloatArray, model: EnergyModel) -> None:
    """Refuse energies that a model whose largest energy is a number cannot have."""
    if not isinstance(model.maximum, float):
        return
    limit = 10.0**model.maximum
    beyond = int(np.count_nonzero(energy > limit * (1 + 1e-9)))  # 10**log10(limit) rounds
    if beyond:
        raise InputError(
            f"{beyond} bursts lie above the largest energy of the model",
            value=f"{energy.max():.4g} erg",
            allowed=f"<= {limit:.4g} erg (maximum)",
            hint="raise maximum, leave those bursts out on purpose, or let a prior free it",
        )


def _log_errors(sample: BurstSample) -> FloatArray | None:
    if sample.energy_error is None:
        return None
    sigma = sample.energy_error / sample.require("energy")
    return np.maximum(sigma, 1e-6)


def with_model(problem: EnergyProblem, model: EnergyModel) -> EnergyProblem:
    """Return another model for the same data and design."""
    other = copy.copy(problem)
    other._model = model
    other._set_data(problem.data)
    detected = np.sort(np.log10(problem.data.energy))
    guide = EnergyGuide.of(detected, float(np.log10(problem._design.lowest)))
    Problem.__init__(other, model.parameters(guide))
    other.citation_keys = ("crawford1970", *model.citations)
    return other
