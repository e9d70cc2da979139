"""`HeliocentricProblem`: magnitudes as a function of the distance to the Sun and the phase."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..inference import Normal, Parameter, Parameters, Prior, Uniform
from ..inference.problem import Problem
from .checks import (
    aperture_reservations,
    require_both_branches,
    require_photometry,
    require_range_of_r,
)
from .laws import HeliocentricLaw, SingleIndex
from .noise import Noise, StudentTNoise
from .phase import LinearPhase, PhaseFunction
from .photometry import CometPhotometry

__all__ = ["HeliocentricProblem"]

FloatArray = NDArray[np.float64]
_OFFSET_COLUMNS = ("filter", "observer", "aperture")
_MOST_OFFSETS = 60


@dataclass(frozen=True)
class _Offset:
    """One group of magnitudes with a zero point of its own."""

    name: str
    label: str
    rows: NDArray[np.bool_]


class HeliocentricProblem(Problem):
    """The heliocentric index of a comet from its magnitudes.

    The model is ``m = H + 5 log10(delta) + law(r) + phase(alpha) + offset of the group``.

    Parameters
    ----------
    photometry : CometPhotometry
        With geometry. Rows that are ``fainter_than`` limits count with the probability to be
        fainter.
    phase : PhaseFunction
        Its uncertain parameters are fitted along, within their priors.
    law : HeliocentricLaw
        One index, a break, or two branches.
    noise : Noise
        How magnitudes scatter.
    offsets : tuple of str
        Columns among ``filter``, ``observer``, ``aperture`` whose groups get zero points of their
        own, relative to the largest group.
    offset_prior : Prior
        Of each of those, in magnitudes.

    Raises
    ------
    InputError
        Without geometry, for a range of r that leaves the index undetermined, with too few
        magnitudes, or for unknown offsets.

    Examples
    --------
    >>> import numpy as np, astrokit as ak
    >>> r = np.linspace(4.5, 1.8, 30)
    >>> ph = ak.comets.CometPhotometry(
    ...     60850 + np.arange(30.0), 6.0 + 5 * np.log10(3.0) + 2.5 * 3.8 * np.log10(r),
    ...     error=0.01, r=r, delta=3.0, phase_angle=np.linspace(2, 20, 30))
    >>> noise = ak.comets.GaussianNoise(scatter=0.0)
    >>> problem = ak.comets.HeliocentricProblem(
    ...     ph, phase=ak.comets.LinearPhase(0.0), noise=noise)
    >>> round(problem.fit()["heliocentric_index"].value, 6)
    3.8
    """

    statistic = "magnitudes"

    def __init__(
        self,
        photometry: CometPhotometry,
        *,
        phase: PhaseFunction | None = None,
        law: HeliocentricLaw | None = None,
        noise: Noise | None = None,
        offsets: tuple[str, ...] = (),
        offset_prior: Prior | None = None,
    ) -> None:
        _require_kinds(photometry, phase=(phase, PhaseFunction), law=(law, HeliocentricLaw))
        _require_kinds(photometry, noise=(noise, Noise), offset_prior=(offset_prior, Prior))
        self._photometry = photometry
        self._phase = LinearPhase() if phase is None else phase
        self._law = SingleIndex() if law is None else law
        self._noise = StudentTNoise() if noise is None else noise
        self._offset_columns = tuple(np.atleast_1d(offsets).tolist())
        self._offset_prior = Normal(0.0, 1.0) if offset_prior is None else offset_prior
        require_range_of_r(photometry)
        self._offsets = _groups(photometry, self._offset_columns)
        self._set_up()
        super().__init__(self._make_parameters())
        if len(photometry) <= self.parameters.n_free:
            raise InputError(
                "there are not more magnitudes than free parameters",
                value=f"{len(photometry)} magnitudes, {self.parameters.n_free} parameters",
                hint="fix the phase coefficient and the noise, or drop offsets",
            )

    def _set_up(self) -> None:
        """Prepare what each evaluation needs."""
        ph = self._photometry
        self._base = 5.0 * np.log10(ph.delta)
        needs_branch = any(p.name.startswith("postperihelion") for p in self._law.parameters)
        self._after = ~ph.is_preperihelion if needs_branch else np.zeros(len(ph), bool)
        if needs_branch:
            require_both_branches(ph, self._after)
        self._limit = ph.fainter_than
        variance = np.where(self._limit, 0.0, np.nan_to_num(ph.error) ** 2)
        self._variance, self._measured = variance, ~self._limit
        self._needs_scatter = bool(np.any(variance[self._measured] == 0))
        self._has_phase_parameters = bool(self._phase.parameters)
        self._indicator = np.array([g.rows for g in self._offsets], dtype=float).reshape(
            len(self._offsets), len(ph)
        )

    def _make_parameters(self) -> Parameters:
        parts: list[tuple[Parameter, ...]] = [
            (self._magnitude_parameter(),),
            self._law.parameters,
            self._phase.parameters,
            tuple(
                Parameter(g.name, 0.0, self._offset_prior, "mag", rf"\Delta_\mathrm{{{g.label}}}")
                for g in self._offsets
            ),
            self._noise.parameters,
        ]
        ends = np.cumsum([len(part) for part in parts])
        self._places = [slice(int(e) - len(p), int(e)) for e, p in zip(ends, parts, strict=True)]
        return Parameters([parameter for part in parts for parameter in part])

    def _magnitude_parameter(self) -> Parameter:
        start = float(np.median(self._photometry.magnitude - self._base)) - 10 * float(
            np.median(np.log10(self._photometry.r))
        )
        prior = Uniform(-30.0, 40.0)
        value = float(np.clip(start, -29, 39))
        return Parameter("absolute_magnitude", value, prior, "mag", "H")

    # -- what the problem is made of ---------------------------------------------------------

    @property
    def photometry(self) -> CometPhotometry:
        """The data."""
        return self._photometry

    @property
    def data(self) -> CometPhotometry:
        return self._photometry

    @property
    def phase(self) -> PhaseFunction:
        """The phase function."""
        return self._phase

    @property
    def law(self) -> HeliocentricLaw:
        """How brightness follows the distance to the Sun."""
        return self._law

    @property
    def noise(self) -> Noise:
        """How magnitudes scatter."""
        return self._noise

    @property
    def offset_columns(self) -> tuple[str, ...]:
        """Columns whose groups have zero points of their own."""
        return self._offset_columns

    @property
    def label(self) -> str:
        return type(self._law).__name__

    @property
    def citation_keys(self) -> tuple[str, ...]:  # type: ignore[override]
        """Of the phase function, beside the method."""
        return ("jewitt2025", *self._phase.citation_keys)

    def with_data(self, data: CometPhotometry) -> Self:
        return type(self)(
            data,
            phase=self._phase,
            law=self._law,
            noise=self._noise,
            offsets=self._offset_columns,
            offset_prior=self._offset_prior,
        ).with_parameters(self.parameters)

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        ph = self._photometry
        return {
            "a_magnitude": ph.magnitude,
            "fainter_than": ph.fainter_than,
            "error": ph.error,
            "r": ph.r,
            "delta": ph.delta,
            "phase_angle": ph.phase_angle,
        }

    def settings(self) -> Mapping[str, Any]:
        return {
            "phase": repr(self._phase),
            "law": repr(self._law),
            "noise": repr(self._noise),
            "offsets": list(self._offset_columns),
        }

    # -- the model ---------------------------------------------------------------------------

    @property
    def is_after(self) -> NDArray[np.bool_]:
        """True for rows after perihelion, where the law has branches, ``(m,)``."""
        return self._after

    def law_values(self, values: FloatArray) -> FloatArray:
        """Return those columns of all parameter values that are the law's, ``(n, p')``."""
        return values[:, self._places[1]]

    def noise_values(self, values: FloatArray) -> FloatArray:
        """Return those of all parameter values ``(p,)`` that are the noise's, ``(q,)``."""
        return values[self._places[4]]

    @property
    def measurement_variance(self) -> FloatArray:
        """Squared errors of the magnitudes ``(m,)``, 0 where none is known."""
        return self._variance

    def phase_magnitudes(self, alpha: FloatArray, values: FloatArray) -> FloatArray:
        """Return ``-2.5 log10 Phi`` ``(n, k)`` at angles ``(k,)`` in degrees, values ``(n, p)``."""
        return self._phase._magnitudes(alpha, values[:, self._places[2]])

    def predict(self, values: ArrayLike) -> FloatArray:
        """Return magnitudes of the model ``(n, m)`` for ``(n, p)`` values of all parameters."""
        values = np.atleast_2d(np.asarray(values, dtype=float))
        ph = self._photometry
        magnitude, offsets = values[:, self._places[0]], values[:, self._places[3]]
        model = self._law.magnitudes(ph.r, self._after, self.law_values(values))
        model += self._base + magnitude
        model += self.phase_magnitudes(ph.phase_angle, values)
        if offsets.shape[1]:
            model += offsets @ self._indicator
        return model

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        residual = self._photometry.magnitude - self.predict(values)
        noise = np.ascontiguousarray(values[:, self._places[4]])
        if not self._limit.any():
            result = self._noise.sums(residual, self._variance, noise)
        else:
            result = self._with_limits(residual, noise).sum(axis=1)
        # Magnitudes without errors have no density without scatter either.
        return np.where(self._needs_scatter & (noise[:, 0] == 0), -np.inf, result)

    def _with_limits(self, residual: FloatArray, noise: FloatArray) -> FloatArray:
        out = np.empty(residual.shape)
        seen, limit = self._measured, self._limit
        out[:, seen] = self._noise.pointwise(residual[:, seen], self._variance[seen], noise)
        out[:, limit] = self._noise.log_survival(residual[:, limit], self._variance[limit], noise)
        return out

    def _pointwise(self, values: FloatArray) -> FloatArray:
        residual = self._photometry.magnitude - self.predict(values)
        return self._with_limits(residual, values[:, self._places[4]])

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> CometPhotometry:
        model = self.predict(values)[0]
        drawn = model + self._noise.draw(self._variance, values[self._places[4]], rng)
        # Where the data have a limit, a comet that is drawn fainter is not seen either.
        faint = self._limit & (drawn > self._photometry.magnitude)
        magnitude = np.where(faint, self._photometry.magnitude, drawn)
        return self._photometry.with_columns(magnitude=magnitude, fainter_than=faint)

    def _score_and_information(
        self, values: FloatArray
    ) -> tuple[float, FloatArray, FloatArray] | None:
        gradient = self._gradient(values)
        if gradient is None or self._limit.any():
            return None
        residual = (self._photometry.magnitude - self.predict(values))[0]
        noise = self._places[4]
        parts = self._noise.derivatives(residual, self._variance, values[noise])
        if parts is None:
            return None
        log_likelihood = float(self._log_likelihood(values[None])[0])
        if not np.isfinite(log_likelihood):  # nothing to climb where there is no density
            return log_likelihood, np.zeros(values.size), np.eye(values.size)
        pull, weight, noise_score, noise_information = parts
        information = np.zeros((values.size, values.size))
        head = slice(0, noise.start)
        information[head, head] = (gradient * weight) @ gradient.T
        information[noise, noise] = noise_information
        return log_likelihood, np.concatenate([gradient @ pull, noise_score]), information

    def _observed_information(self, values: FloatArray) -> FloatArray | None:
        gradient = self._gradient(values)
        if gradient is None or self._limit.any() or not self._law.is_linear:
            return None
        residual = (self._photometry.magnitude - self.predict(values))[0]
        noise = self._places[4]
        parts = self._noise.curvature(residual, self._variance, values[noise])
        if parts is None:
            return None
        magnitude, mixed, scatter = parts
        information = np.zeros((values.size, values.size))
        head = slice(0, noise.start)
        information[head, head] = (gradient * magnitude) @ gradient.T
        information[head, noise.start] = information[noise.start, head] = gradient @ mixed
        information[noise.start, noise.start] = scatter
        return information

    def _gradient(self, values: FloatArray) -> FloatArray | None:
        """Return derivatives of the magnitudes ``(p', m)`` in all but the noise parameters."""
        ph = self._photometry
        rows = [np.ones((1, len(ph)))]
        rows.append(self._law.gradient(ph.r, self._after, values[self._places[1]]))
        if self._has_phase_parameters:
            if not isinstance(self._phase, LinearPhase):
                return None
            rows.append(ph.phase_angle[None, :])
        return np.vstack([*rows, self._indicator])

    def phase_leverage(self, values: Mapping[str, float]) -> FloatArray:
        """Return how far each parameter of the law moves per mag/deg of a linear phase term.

        Parameters
        ----------
        values : mapping of str to float
            Values of all parameters, such as ``fit.values``: where the scatter is taken.

        Returns
        -------
        ndarray, shape (number of parameters of the law,)
            ``dn/dbeta`` and the like, all other parameters fitted along: what an error of the
            assumed phase coefficient does to the index.
        """
        row = np.array([values[name] for name in self.parameters.names])
        law = self._law.gradient(self._photometry.r, self._after, row[self._places[1]])
        design = np.vstack([np.ones((1, len(self._photometry))), law, self._indicator])
        scatter = row[self._places[4].start]
        weight = 1 / np.sqrt(self._variance + max(scatter, 1e-6) ** 2)
        weight[self._limit] = 0.0
        target = -self._photometry.phase_angle * weight
        answer = np.linalg.lstsq((design * weight).T, target, rcond=None)[0]
        return np.asarray(answer[1 : 1 + law.shape[0]])

    def _reservations(self, values: FloatArray) -> tuple[str, ...]:
        return aperture_reservations(self._photometry, self._offset_columns)


def _require_kinds(photometry: object, **settings: tuple[object, type]) -> None:
    require_photometry(photometry)
    for name, (value, kind) in settings.items():
        if value is not None and not isinstance(value, kind):
            raise InputError(f"{name} must be a {kind.__name__}", value=type(value).__name__)


def _groups(photometry: CometPhotometry, columns: tuple[str, ...]) -> list[_Offset]:
    """Return the groups that get an offset: all but the largest of each column."""
    groups: list[_Offset] = []
    for column in columns:
        if column not in _OFFSET_COLUMNS:
            raise InputError(
                "offsets are unknown", value=column, allowed=", ".join(_OFFSET_COLUMNS)
            )
        names, member, count = np.unique(
            getattr(photometry, column).astype(str), return_inverse=True, return_counts=True
        )
        if names.size > _MOST_OFFSETS:
            raise InputError(
                f"{names.size} groups of {column} would get an offset each",
                allowed=f"at most {_MOST_OFFSETS}",
                hint="select the largest groups, or scale_apertures() for mixed apertures",
            )
        for k in np.delete(np.arange(names.size), np.argmax(count)):
            label = str(names[k]) or "unknown"
            name = f"offset_{column}_{re.sub(r'[^0-9A-Za-z]', '_', label)}"
            taken = {group.name for group in groups}
            unique = name if name not in taken else f"{name}_{k}"
            groups.append(_Offset(unique, re.sub(r"[^0-9A-Za-z.]", " ", label), member == k))
    return groups
