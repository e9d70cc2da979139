"""`Fit`: the maximum of a likelihood, its errors, and what is to be said against them."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..estimate import ONE_SIGMA, Estimate, estimates_table
from ..provenance import Provenance
from .parameters import Parameters
from .uncertainty import AT_LOWER, AT_UPPER, DETERMINED, propagate

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from astropy.table import QTable
    from matplotlib.axes import Axes

    from .problem import Problem

__all__ = ["Fit", "Start"]

FloatArray = NDArray[np.float64]
_SAME_MAXIMUM = 0.01  # in ln L


@dataclass(frozen=True)
class Start:
    """One of the places from which the maximum was searched.

    Attributes
    ----------
    start, end : tuple of float
        Free parameters where the search began and where it ended.
    log_likelihood : float
        ln L at the end.
    converged : bool
    reason : str
        Why it did not converge, or a remark.
    """

    start: tuple[float, ...]
    end: tuple[float, ...]
    log_likelihood: float
    converged: bool
    reason: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """A maximum-likelihood fit; made by :meth:`Problem.fit`, not by hand.

    Attributes
    ----------
    parameters : Parameters
        As they were defined: priors (whose support is the allowed range), fixed values, ties.
    theta : ndarray, shape (d,)
        Best values of the free parameters.
    covariance : ndarray, shape (d, d)
        Of the free parameters; absolute, never scaled by chi2. NaN where a parameter sits at its
        bound or is not determined.
    log_likelihood : float
        The maximum.
    states : tuple of str
        ``"determined"``, ``"undetermined"``, ``"at lower bound"`` or ``"at upper bound"``.
    starts : tuple of Start
        Every search that was made.
    reservations : tuple of str
        What a reader of the result must know, in sentences that name parameters.
    method : str
        How maximum and covariance were found.
    label, statistic_name, n_data : str, str, int
        Of the problem; the label is a short name of the model.
    statistic : float
        Twice the distance of ln L from a model that meets every datum: chi2, C-stat and their
        like; -2 ln L where that is not known.
    problem : Problem or None
        Kept in memory, not saved.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.inference import Parameter, Parameters, PoissonProblem, Uniform
    >>> rate = Parameters([Parameter("rate", 1.0, Uniform(0, 100))])
    >>> fit = PoissonProblem([0, 1, 2, 3], [5, 6, 4, 1], lambda x, rate: rate, rate).fit()
    >>> print(fit["rate"])
    rate = 4.0 +/- 1.0
    >>> print(fit.profile("rate"))
    rate = 4.0 +1.1 -0.9
    """

    parameters: Parameters
    theta: FloatArray
    covariance: FloatArray
    log_likelihood: float
    states: tuple[str, ...]
    starts: tuple[Start, ...]
    reservations: tuple[str, ...]
    method: str
    label: str
    statistic_name: str
    statistic: float
    n_data: int
    problem: Problem | None
    _provenance: Provenance = field(repr=False)
    _identity: Mapping[str, str] = field(repr=False, default_factory=dict)

    # -- values ------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Estimate:
        parameter = self.parameters[name]
        i = self.parameters.names.index(name)
        value = float(self._all_values[i])
        if parameter.fixed:
            return Estimate(value, 0.0, unit=parameter.unit, method="fixed", name=name)
        error = math.sqrt(self._all_covariance[i, i])
        return Estimate(value, error, unit=parameter.unit, method=self._how(name), name=name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters."""
        return self.parameters.names

    @property
    def values(self) -> dict[str, float]:
        """Best values of ALL parameters (fixed and tied ones too) by name."""
        return dict(zip(self.names, self._all_values.tolist(), strict=True))

    @property
    def errors(self) -> dict[str, float]:
        """One-sigma errors from the covariance, by name; NaN where there is none."""
        return {name: self[name].lower for name in self.names}

    @property
    def correlation(self) -> FloatArray:
        """Correlation matrix of the free parameters, shape ``(d, d)``."""
        sigma = np.sqrt(np.diag(self.covariance))
        return self.covariance / np.outer(sigma, sigma)

    @property
    def n_free(self) -> int:
        """Number k of free parameters."""
        return self.parameters.n_free

    @property
    def dof(self) -> int:
        """Degrees of freedom: data minus free parameters."""
        return self.n_data - self.n_free

    @property
    def aic(self) -> float:
        """Akaike's criterion ``2 k - 2 ln L`` (Akaike 1974)."""
        return 2 * self.n_free - 2 * self.log_likelihood

    @property
    def aicc(self) -> float:
        """AIC with the small-sample term (Hurvich & Tsai 1989); infinite for n <= k + 1."""
        k, n = self.n_free, self.n_data
        return self.aic + 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else math.inf

    @property
    def bic(self) -> float:
        """Schwarz's criterion ``k ln n - 2 ln L`` (Schwarz 1978)."""
        return self.n_free * math.log(self.n_data) - 2 * self.log_likelihood

    @property
    def n_agreeing(self) -> int:
        """How many of the starts reached this maximum."""
        best = self.log_likelihood
        return sum(s.converged and best - s.log_likelihood < _SAME_MAXIMUM for s in self.starts)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those reservations that came as warnings: bounds, undetermined, coverage."""
        return tuple(text.partition(": ")[2] for text in self._provenance.warnings)

    # -- identity ----------------------------------------------------------------------------

    @property
    def data_checksum(self) -> str:
        """sha256 of the data that were fitted."""
        return self._checksums["data"]

    @property
    def model_checksum(self) -> str:
        """sha256 of the model: class, parameters, settings."""
        return self._checksums["model"]

    @cached_property
    def provenance(self) -> Provenance:
        """What ran, on which data, with which seed and versions; what to cite."""
        if self.problem is None or self._provenance.inputs:
            return self._provenance
        return replace(self._provenance, inputs=tuple(self.problem.provenance_inputs()))

    # -- more work ---------------------------------------------------------------------------

    def profile(self, name: str, level: float = ONE_SIGMA) -> Estimate:
        """Return the profile-likelihood interval of a free parameter.

        Parameters
        ----------
        name : str
        level : float
            Probability content.

        Returns
        -------
        Estimate
            With asymmetric errors; a limit where the likelihood does not fall far enough before
            the bound of the parameter.

        Raises
        ------
        FitError
            When a higher maximum turns up on the way.
        InputError
            For a parameter that is not free, a bad level, or a fit that was loaded from a file.
        """
        from .profile import profile_interval

        return profile_interval(self, name, level)

    def plot_profile(self, name: str, ax: Axes | None = None) -> Axes:
        """Draw ln L along a free parameter, all others fitted, and return the axes.

        :func:`astrokit.inference.profile.profile_curve` gives the numbers.
        """
        from .profile import plot_profile

        return plot_profile(self, name, ax)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fit to an HDF5 file; :func:`astrokit.inference.load` reads it back."""
        from .storage import save

        save(self, path)

    def require_problem(self) -> Problem:
        """Return the problem, or raise an InputError for a fit that came from a file."""
        if self.problem is None:
            raise InputError(
                "this fit was loaded from a file, without its problem",
                hint="build the problem again and call its fit()",
            )
        return self.problem

    # -- printing ----------------------------------------------------------------------------

    def to_table(self) -> QTable:
        """Return name, value, errors, unit and method of each parameter as an astropy table."""
        return estimates_table({name: self[name] for name in self.names})

    @overload
    def report(self, path: None = None, *, min_correlation: float = ...) -> str: ...

    @overload
    def report(self, path: str | os.PathLike[str], *, min_correlation: float = ...) -> Path: ...

    def report(
        self, path: str | os.PathLike[str] | None = None, *, min_correlation: float = 0.1
    ) -> str | Path:
        """Return a report as text, or write it as a web page.

        Parameters
        ----------
        path : path-like, optional
            Write a self-contained ``.html`` page instead: values, correlations, the data with the
            model, settings, provenance, citations, and how to repeat the fit.
        min_correlation : float
            Correlations below it are left out of the text.

        Returns
        -------
        str or Path
            The text, or the path of the page.

        Raises
        ------
        InputError
            When the page cannot be written.
        """
        if path is not None:
            from .report import report_fit

            return report_fit(self, path)
        lines = [
            f"Fit of {self.label}: {self.method}",
            f"  statistic {self.statistic_name} = {self.statistic:.6g}, {self.n_data} data, "
            f"{self.n_free} free parameters",
            f"  ln L = {self.log_likelihood:.6g}, AIC = {self.aic:.6g}, AICc = {self.aicc:.6g}, "
            f"BIC = {self.bic:.6g}",
            f"  {self.n_agreeing} of {len(self.starts)} starts reached this maximum",
            *(f"    {self._row(name)}" for name in self.names),
        ]
        pairs = self._correlated_pairs(min_correlation)
        lines += ["  correlations"] * bool(pairs) + [f"    {text}" for text in pairs]
        lines += [f"  ! {sentence}" for sentence in self.reservations]
        return "\n".join(lines)

    def __repr__(self) -> str:
        rows = [f"  {self._row(name)}" for name in self.names]
        numbers = f"ln L = {self.log_likelihood:.6g}, {self.n_data} data, {self.n_free} free"
        head = f"Fit of {self.label}: {numbers}"
        return "\n".join([head, *rows, *(f"  ! {sentence}" for sentence in self.reservations)])

    def _repr_html_(self) -> str:
        rows = []
        for name in self.names:
            cells = html.escape(self._row(name)).split(" = ", 1)
            rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
        notes = "".join(f"<li>{html.escape(text)}</li>" for text in self.reservations)
        head = html.escape(f"Fit of {self.label}: {self.method}")
        return (
            f"<p>{head}; ln L = {self.log_likelihood:.6g}, {self.n_data} data</p>"
            f"<table>{''.join(rows)}</table>" + (f"<ul>{notes}</ul>" if notes else "")
        )

    # -- storage -----------------------------------------------------------------------------

    def to_record(self) -> tuple[dict[str, Any], dict[str, FloatArray]]:
        """Return the fit as JSON types and arrays; :meth:`from_record` restores it."""
        record = {
            "parameters": self.parameters.as_list(),
            "log_likelihood": self.log_likelihood,
            "states": list(self.states),
            "starts": [dict(start.__dict__) for start in self.starts],
            "reservations": list(self.reservations),
            "method": self.method,
            "label": self.label,
            "statistic_name": self.statistic_name,
            "statistic": self.statistic,
            "n_data": self.n_data,
            "identity": dict(self._checksums),
            "provenance": self.provenance.to_json(),
        }
        return record, {"theta": self.theta, "covariance": self.covariance}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], arrays: Mapping[str, Any]) -> Fit:
        """Rebuild a fit from :meth:`to_record`; its ``problem`` is None."""
        starts = [
            Start(**{**s, "start": tuple(s["start"]), "end": tuple(s["end"])})
            for s in record["starts"]
        ]
        return cls(
            parameters=Parameters.from_list(record["parameters"]),
            theta=np.asarray(arrays["theta"], dtype=float),
            covariance=np.asarray(arrays["covariance"], dtype=float),
            log_likelihood=record["log_likelihood"],
            states=tuple(record["states"]),
            starts=tuple(starts),
            reservations=tuple(record["reservations"]),
            method=record["method"],
            label=record["label"],
            statistic_name=record["statistic_name"],
            statistic=record["statistic"],
            n_data=record["n_data"],
            problem=None,
            _provenance=Provenance.from_json(record["provenance"]),
            _identity=dict(record["identity"]),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fit):
            return NotImplemented
        mine, theirs = self.to_record(), other.to_record()
        same_arrays = all(
            np.array_equal(mine[1][key], theirs[1][key], equal_nan=True) for key in mine[1]
        )
        return mine[0] == theirs[0] and same_arrays

    __hash__ = object.__hash__

    # -- inner parts -------------------------------------------------------------------------

    @cached_property
    def _all_values(self) -> FloatArray:
        return self.parameters.expand(self.theta)[0]

    @cached_property
    def _all_covariance(self) -> FloatArray:
        return propagate(self.parameters, self.theta, self.covariance)

    @cached_property
    def _checksums(self) -> Mapping[str, str]:
        # Not computed in the fit itself: for a million data it costs as much as the fit.
        if self._identity:
            return self._identity
        problem = self.require_problem()
        return {"data": problem.data_checksum, "model": problem.model_checksum}

    def state(self, name: str) -> str:
        """Return the state of a parameter: one of ``states``, ``"fixed"`` or ``"tied"``."""
        parameter = self.parameters[name]
        if not parameter.is_free:
            return "fixed" if parameter.fixed else "tied"
        return self.states[self.parameters.free_names.index(name)]

    def _how(self, name: str) -> str:
        state = self.state(name)
        if state in (DETERMINED, "tied"):
            return self.method
        advice = "profile() gives a limit" if state in (AT_LOWER, AT_UPPER) else "no error exists"
        return f"{self.method}; {state}: {advice}"

    def _row(self, name: str) -> str:
        state = self.state(name)
        return f"{self[name]}" + ("" if state == DETERMINED else f"  [{state}]")

    def _correlated_pairs(self, minimum: float) -> list[str]:
        matrix, names = self.correlation, self.parameters.free_names
        rows, columns = np.triu_indices(len(names), 1)
        strength = np.nan_to_num(np.abs(matrix[rows, columns]))
        order = [k for k in np.argsort(-strength) if strength[k] >= minimum]
        return [
            f"{names[rows[k]]}, {names[columns[k]]}: {matrix[rows[k], columns[k]]:+.3f}"
            for k in order
        ]
