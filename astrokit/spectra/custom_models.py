"""Models of other people: a function of energy edges, or any model of astropy.modeling."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ParameterError, ShapeError
from ..inference.function_identity import function_checksum
from ..inference.parameters import Parameter, Parameters
from ..inference.priors import Uniform
from .grid import EnergyGrid
from .models import Component, Guide

__all__ = ["AstropyModel", "UserModel"]

FloatArray = NDArray[np.float64]
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(5)


@dataclass(frozen=True, repr=False)
class _Foreign(Component):
    """A component whose parameters come with it."""

    parameters_given: Parameters
    emits: bool

    @property
    def is_additive(self) -> bool:
        return self.emits

    def defaults(self, guide: Guide) -> list[Parameter]:
        return list(self.parameters_given)

    def overridden(self, parameter: Parameter) -> Parameter:
        return parameter


@dataclass(frozen=True, repr=False)
class UserModel(_Foreign):
    """A plain function of energy edges as a component.

    Parameters
    ----------
    function : callable
        ``function(edges, *parameters)`` with edges ``(m + 1,)`` in keV returns ``(m,)``: photons
        per cm2 and s in each bin, or, for ``emits=False``, the mean factor there. Parameters are
        floats, in the order of `parameters`.
    parameters : Parameters, or iterable of Parameter
        With priors and starting values.
    emits : bool
        Whether the function gives photons; otherwise a factor.

    Raises
    ------
    ShapeError
        When the function does not return one number per bin.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> from astrokit.inference import Parameter, Uniform
    >>> def black_body(edges, temperature, strength):
    ...     e = np.sqrt(edges[1:] * edges[:-1])
    ...     return strength * e**2 / np.expm1(e / temperature) * np.diff(edges)
    >>> model = ak.spectra.TBabs(nh=0.1) * ak.spectra.UserModel(
    ...     black_body,
    ...     [Parameter("temperature", 1, Uniform(0.1, 5)), Parameter("strength", 1, Uniform(0, 9))],
    ... )
    >>> model.names
    ('nh', 'temperature', 'strength')
    """

    function: Callable[..., Any]
    own_names: tuple[str, ...] = field(init=False, default=())  # type: ignore[misc]
    kind: str = field(init=False, default="")  # type: ignore[misc]

    def __init__(
        self,
        function: Callable[..., Any],
        parameters: Parameters | Iterable[Parameter],
        *,
        emits: bool = True,
    ) -> None:
        given = Parameters(list(parameters))
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "parameters_given", given)
        object.__setattr__(self, "emits", bool(emits))
        object.__setattr__(self, "own_names", given.names)
        object.__setattr__(self, "kind", str(getattr(function, "__name__", "function")))
        if given.has_ties:
            raise ParameterError(
                "parameters of a component cannot be tied", hint="tie those of the problem"
            )

    def _photons(self, values: FloatArray, grid: EnergyGrid, shift: FloatArray) -> FloatArray:
        out = np.empty((values.shape[0], grid.n_adjacent))
        for i, row in enumerate(values):
            edges = np.exp(grid.log_edges + shift[i])
            answer = np.asarray(self.function(edges, *row.tolist()), dtype=float)
            if answer.shape != (grid.n_adjacent,):
                raise ShapeError(
                    f"{self.kind} does not return one number per energy bin",
                    value=f"shape {answer.shape}",
                    allowed=f"({grid.n_adjacent},) for edges of shape ({edges.size},)",
                )
            out[i] = answer
        return out

    def __repr__(self) -> str:
        mark = function_checksum(self.function)[:12]
        return f"UserModel({self.kind} {mark}, {', '.join(self.own_names)})"


class AstropyModel(_Foreign):
    """A one-dimensional model of astropy.modeling as a component.

    It is taken as a photon density (photons per cm2, s and keV, at energies in keV) and integrated
    over the bins. Bounds become uniform priors; fixed parameters stay fixed.

    Parameters
    ----------
    model : astropy.modeling.Model
        Of one input, compound models included.
    emits : bool
        Whether it gives a photon density; otherwise a factor.
    **priors : Prior
        For parameters without finite bounds.

    Raises
    ------
    ParameterError
        When a free parameter has neither bounds nor a prior, or is tied.
    InputError
        For a model of several inputs.

    Examples
    --------
    >>> from astropy.modeling.models import PowerLaw1D
    >>> import astrokit as ak
    >>> from astrokit.inference import Uniform
    >>> law = PowerLaw1D(amplitude=1e-3, x_0=1.0, alpha=1.7, fixed={"x_0": True})
    >>> model = ak.spectra.AstropyModel(law, amplitude=Uniform(0, 1), alpha=Uniform(0, 4))
    >>> round(float(model.evaluate([1.0, 2.0], amplitude=1e-3, alpha=2.0)[0]), 9)
    0.0005
    """

    def __init__(self, model: Any, *, emits: bool = True, **priors: Any) -> None:
        if getattr(model, "n_inputs", 0) != 1 or getattr(model, "n_outputs", 0) != 1:
            raise InputError(
                "a model of one energy is needed",
                value=type(model).__name__,
                hint="use a one-dimensional model of astropy.modeling",
            )
        unknown = set(priors) - set(model.param_names)
        if unknown:
            raise ParameterError(
                "no such parameter", value=sorted(unknown), allowed=", ".join(model.param_names)
            )
        given = Parameters(
            [_from_astropy(model, name, priors.get(name)) for name in model.param_names]
        )
        object.__setattr__(self, "model", model.copy())
        object.__setattr__(self, "parameters_given", given)
        object.__setattr__(self, "emits", bool(emits))
        object.__setattr__(self, "own_names", given.names)
        object.__setattr__(self, "kind", type(model).__name__)

    model: Any

    def _photons(self, values: FloatArray, grid: EnergyGrid, shift: FloatArray) -> FloatArray:
        pieces = max(1, int(np.ceil(np.abs(np.diff(grid.log_edges)).max() / 0.1)))
        pieces = min(pieces, 50)
        low, width = grid.log_edges[:-1], np.diff(grid.log_edges) / pieces
        offsets = (np.arange(pieces)[:, None] + 0.5 * (_NODES + 1)).ravel()
        u = low[:, None] + width[:, None] * offsets
        weight = np.tile(0.5 * _WEIGHTS, pieces)
        out = np.empty((values.shape[0], grid.n_adjacent))
        for i, row in enumerate(values):
            energy = np.exp(u + shift[i])
            density = np.asarray(self._density(energy.ravel(), row), dtype=float)
            density = density.reshape(energy.shape)
            if self.emits:
                out[i] = (density * energy * width[:, None]) @ weight
            else:
                out[i] = density @ weight / pieces
        return out

    def _density(self, energy: FloatArray, row: FloatArray) -> Any:
        model = self.model.copy()
        model.parameters = row
        return model(energy)

    def __repr__(self) -> str:
        return f"AstropyModel({self.model!r})"


def _from_astropy(model: Any, name: str, prior: Any) -> Parameter:
    """Return one parameter of an astropy model with its bounds as a prior."""
    p = getattr(model, name)
    if p.tied:
        raise ParameterError(
            f"{name} is tied in the astropy model", hint="tie the parameters of the problem instead"
        )
    value, unit = float(p.value), p.unit
    if p.fixed:
        return Parameter(name, value, unit=unit, fixed=True)
    low, high = p.bounds
    if prior is None and low is not None and high is not None:
        prior = Uniform(float(low), float(high))
    if prior is None:
        raise ParameterError(
            f"{name} of {type(model).__name__} has no prior",
            hint=f"set its bounds in the astropy model, or give {name}=Uniform(low, high)",
        )
    parameter = Parameter(name, value, prior, unit=unit)
    return replace(parameter)
