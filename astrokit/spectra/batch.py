"""Fits of thousands of spectra in one call."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_unit
from ..errors import FitError, InputError, LikelihoodError, ShapeError
from ..estimate import Estimate
from ..parallel import ItemError, map_items
from ..provenance import Provenance, Recorder, quiet
from .components import BrokenPowerLaw, LogParabola, PowerLaw
from .models import DENSITY, SpectralModel

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from astropy.table import QTable

__all__ = ["ManyFits", "fit_flux_table", "fit_many"]

FloatArray = NDArray[np.float64]
_KINDS: dict[type, int] = {PowerLaw: 0, LogParabola: 1, BrokenPowerLaw: 2}
_FEWEST = {0: 3, 1: 4, 2: 6}


@dataclass(frozen=True, eq=False, repr=False)
class ManyFits:
    """Results of many fits of one model.

    Attributes
    ----------
    names : tuple of str
        Parameters, as of the model.
    units : tuple of str
    values, errors : ndarray, shape (n, p)
        Best values and one-sigma errors from the Fisher information; NaN where a fit failed, and
        an error of NaN where a parameter is not determined.
    covariance : ndarray, shape (n, p, p)
    statistic : ndarray, shape (n,)
        NaN where the fit failed.
    dof : ndarray of int, shape (n,)
    failures : dict of int to str
        Why fits failed, by position.
    label : str
        The model in words.
    provenance : Provenance
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    values: FloatArray
    errors: FloatArray
    covariance: FloatArray
    statistic: FloatArray
    dof: NDArray[np.int64]
    failures: dict[int, str]
    label: str
    provenance: Provenance = field(repr=False)

    def __len__(self) -> int:
        return self.values.shape[0]

    def __getitem__(self, index: int) -> dict[str, Estimate]:
        row = range(len(self))[index]
        return {
            name: Estimate(
                self.values[row, j], self.errors[row, j], unit=self.units[j] or None, name=name
            )
            for j, name in enumerate(self.names)
        }

    def __iter__(self) -> Iterator[dict[str, Estimate]]:
        return (self[i] for i in range(len(self)))

    def column(self, name: str) -> FloatArray:
        """Return the values ``(n,)`` of one parameter.

        Raises
        ------
        InputError
            For an unknown name.
        """
        if name not in self.names:
            raise InputError("no such parameter", value=name, allowed=", ".join(self.names))
        return self.values[:, self.names.index(name)]

    def error(self, name: str) -> FloatArray:
        """Return the errors ``(n,)`` of one parameter."""
        self.column(name)
        return self.errors[:, self.names.index(name)]

    @property
    def succeeded(self) -> NDArray[np.bool_]:
        """Which fits ended at a minimum, shape ``(n,)``."""
        return np.isfinite(self.statistic)

    def to_table(self) -> QTable:
        """Return one row per spectrum: values and errors with units, statistic, dof."""
        from astropy.table import QTable

        table = QTable()
        for j, name in enumerate(self.names):
            unit = as_unit(self.units[j] or None)
            for suffix, numbers in (("", self.values), ("_error", self.errors)):
                column = numbers[:, j]
                table[name + suffix] = column if unit is None else column << unit
        table["statistic"], table["dof"] = self.statistic, self.dof
        table.meta["model"] = self.label
        return table

    def __repr__(self) -> str:
        good = int(self.succeeded.sum())
        lines = [f"{len(self)} fits of {self.label}, {len(self) - good} failed"]
        for j, name in enumerate(self.names):
            column = self.values[self.succeeded, j]
            if column.size:
                low, mid, high = np.quantile(column, [0.16, 0.5, 0.84])
                lines.append(f"  {name}: median {mid:.4g}, 68 % in {low:.4g} to {high:.4g}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{self!r}</pre>"


def fit_flux_table(
    energy: ArrayLike, flux: ArrayLike, error: ArrayLike, model: SpectralModel
) -> ManyFits:
    """Fit one law to every row of a table of fluxes, compiled.

    Parameters
    ----------
    energy : array_like or Quantity, shape (m,)
        keV, rising.
    flux, error : array_like or Quantity, shape (n, m)
        Photons / (cm2 s keV) at each energy, and standard deviations (> 0).
    model : PowerLaw, LogParabola or BrokenPowerLaw
        With all parameters free and no priors: chi2 alone decides. A break is searched from every
        place between the points, since chi2 has several minima in it, and stays between the second
        and the last but one.

    Returns
    -------
    ManyFits

    Raises
    ------
    InputError
        For another model (use :func:`fit_many`), one with fixed parameters, or energies not rising.
    ShapeError
        When shapes differ, or points are too few.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> energy = np.geomspace(0.3, 10, 20)
    >>> flux = 1e-3 * energy ** -np.linspace(1.5, 2.5, 1000)[:, None]
    >>> fits = ak.spectra.fit_flux_table(energy, flux, 0.05 * flux, ak.spectra.PowerLaw())
    >>> fits.column("photon_index")[[0, -1]].round(9)
    array([1.5, 2.5])
    """
    from .batch_kernels import fit_all

    kind = _compiled_kind(model)
    x, y, sigma = _table(energy, flux, error, _FEWEST[kind])
    recorder = Recorder("astrokit.spectra.fit_flux_table", {"model": repr(model), "n": len(y)})
    log_pivot = float(np.mean(x))
    k = len(model.names)
    n = len(y)
    inner, covariance, chi2 = np.empty((n, k)), np.empty((n, k, k)), np.empty(n)
    # Fluxes of 1e-300 would overflow when squared: fit them in units of a typical one.
    scale = float(np.median(np.abs(y))) or 1.0
    fit_all(kind, x - log_pivot, y / scale, sigma / scale, inner, covariance, chi2)
    inner[:, 0] += math.log(scale)
    values, jacobian = _outer(kind, inner, log_pivot, math.log(getattr(model, "pivot", 1.0)))
    covariance = jacobian @ covariance @ jacobian.transpose(0, 2, 1)
    values[~np.isfinite(chi2)] = np.nan
    failed = np.flatnonzero(~np.isfinite(chi2)).tolist()
    units = {"normalization": DENSITY, "break_energy": "keV"}
    return ManyFits(
        names=model.names,
        units=tuple(units.get(name, "") for name in model.names),
        values=values,
        errors=np.sqrt(np.diagonal(covariance, axis1=1, axis2=2)),
        covariance=covariance,
        statistic=chi2,
        dof=np.full(n, x.size - k),
        failures=dict.fromkeys(failed, "chi2 has no minimum that the search could reach"),
        label=model.label,
        provenance=recorder.finish(),
    )


def _compiled_kind(model: SpectralModel) -> int:
    kind = _KINDS.get(type(model))
    if kind is None:
        raise InputError(
            "this model has no compiled fit",
            value=getattr(model, "label", type(model).__name__),
            allowed="PowerLaw, LogParabola, BrokenPowerLaw",
            hint="use fit_many, which takes every model",
        )
    given = [name for name in model.names if getattr(model, name) is not None]
    if given:
        raise InputError(
            "the compiled fit has all parameters free, without priors",
            value=", ".join(given),
            hint="leave them out, or use fit_many, which takes priors and fixed values",
        )
    return kind


def _table(
    energy: Any, flux: Any, error: Any, fewest: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    def unit(x: Any, wanted: str) -> Any:
        return wanted if getattr(x, "unit", None) is not None else None

    e = as_array(energy, "energy", unit=unit(energy, "keV"), positive=True, min_size=fewest)
    y = as_array(flux, "flux", unit=unit(flux, DENSITY), ndim=2)
    sigma = as_array(error, "error", unit=unit(error, DENSITY), ndim=2, positive=True)
    if y.shape != sigma.shape or y.shape[1] != e.size:
        raise ShapeError(
            "energies, fluxes and errors do not belong together",
            value=f"{e.shape}, {y.shape}, {sigma.shape}",
            allowed="(m,), (n, m), (n, m)",
        )
    if np.any(np.diff(e) <= 0):
        raise InputError("energies must rise", hint="sort the columns of the table by energy")
    return np.log(e), y, sigma


def _outer(
    kind: int, inner: FloatArray, log_pivot: float, wanted: float
) -> tuple[FloatArray, FloatArray]:
    """Return the model's parameters ``(n, k)`` and their derivatives ``(n, k, k)`` in the inner.

    K is wanted at another energy than the pivot of the fit: `wanted` and `log_pivot` are
    logarithms.
    """
    n, k = inner.shape
    values, J = np.empty((n, k)), np.zeros((n, k, k))
    away = wanted - log_pivot
    lnK, G = inner[:, 0], inner[:, 1]
    last = k - 1
    if kind == 0:
        K = np.exp(lnK - G * away)
        values[:] = np.column_stack([G, K])
        J[:, last, 0], J[:, last, 1] = K, -K * away
        J[:, 0, 1] = 1.0
    elif kind == 1:
        c = inner[:, 2]
        K = np.exp(lnK - (G + c * away) * away)
        ten = math.log(10.0)
        values[:] = np.column_stack([G + 2 * c * away, c * ten, K])
        J[:, 0, 1], J[:, 0, 2], J[:, 1, 2] = 1.0, 2 * away, ten
        J[:, last, 0], J[:, last, 1], J[:, last, 2] = K, -K * away, -K * away**2
    else:
        G2, b = inner[:, 2], inner[:, 3]
        # K belongs to the low branch at 1 keV; the fit's to the branch in which its pivot lies.
        above = np.minimum(b, 0.0)  # negative where the pivot lies above the break
        K = np.exp(lnK - G * (away - above) - G2 * above)
        values[:] = np.column_stack([G, G2, np.exp(b + log_pivot), K])
        J[:, 0, 1] = J[:, 1, 2] = 1.0
        J[:, 2, 3] = values[:, 2]
        J[:, last, 0] = K
        J[:, last, 1], J[:, last, 2] = -K * (away - above), -K * above
        J[:, last, 3] = np.where(b < 0, K * (G - G2), 0.0)
    return values, J


# -- any model -------------------------------------------------------------------------------------


def fit_many(
    spectra: Sequence[Any],
    model: SpectralModel,
    *,
    statistic: str = "auto",
    n_starts: int = 2,
    executor: Executor | None = None,
    progress: bool = False,
) -> ManyFits:
    """Fit one model to each of many spectra, each by itself.

    Parameters
    ----------
    spectra : sequence of Spectrum or FluxPoints
        Such as the intervals of an observation.
    model : SpectralModel
        Default priors are made anew for each spectrum.
    statistic : str
        As for :class:`SpectralProblem`.
    n_starts : int
        Searches per spectrum.
    executor : concurrent.futures.Executor, optional
    progress : bool
        Show a progress bar.

    Returns
    -------
    ManyFits
        In the order of `spectra`; fits that failed are NaN and say why in `failures`.

    Raises
    ------
    InputError
        When there is nothing to fit, or a spectrum does not suit the model or statistic.
    """
    items = list(spectra)
    if not items:
        raise InputError("no spectrum is given")
    recorder = Recorder(
        "astrokit.spectra.fit_many",
        {"model": repr(model), "n": len(items), "statistic": statistic, "n_starts": n_starts},
    )
    one = partial(_one, model, statistic, n_starts)
    outcomes = map_items(one, items, executor=executor, keep_errors=True, progress=progress)
    p = len(model.names)
    rows, failures = [], {}
    for i, outcome in enumerate(outcomes):
        if isinstance(outcome, ItemError):
            if not isinstance(outcome.error, FitError | LikelihoodError):
                outcome.error.add_note(f"while fitting spectrum {i} of {len(items)}")
                raise outcome.error
            failures[i] = str(outcome.error)
            outcome = (np.full(p, np.nan), np.full((p, p), np.nan), np.nan, 0)
        rows.append(outcome)
    values, covariance, chi2, dof = zip(*rows, strict=True)
    matrices = np.array(covariance)
    units = [str(q.unit) if q.unit is not None else "" for q in model.parameters()]
    return ManyFits(
        names=model.names,
        units=tuple(units),
        values=np.array(values),
        errors=np.sqrt(np.diagonal(matrices, axis1=1, axis2=2)),
        covariance=matrices,
        statistic=np.array(chi2),
        dof=np.array(dof, dtype=np.int64),
        failures=failures,
        label=model.label,
        provenance=recorder.finish(),
    )


def _one(
    model: SpectralModel, statistic: str, n_starts: int, spectrum: Any
) -> tuple[FloatArray, FloatArray, float, int]:
    from .problem import SpectralProblem

    with quiet():
        fit = SpectralProblem(spectrum, model, statistic=statistic).fit(n_starts=n_starts)
    return fit._all_values, fit._all_covariance, fit.statistic, fit.dof
