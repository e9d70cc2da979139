"""Spectral models as objects that compose: ``TBabs() * (PowerLaw() + GaussianLine())``.

A model gives photons per cm2 and second in each energy bin: integrated over it, never sampled at
its centre. Additive components emit, multiplicative ones absorb; a sum of the former may be
multiplied by the latter.

A field of a component takes a prior ("free, within this"), a number or Quantity ("fixed at this";
with ``fixed=False`` "free, starting here"), or nothing: then it is free with a default prior, made
from the data.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar
from ..errors import InputError, ParameterError
from ..inference.parameters import Parameter, Parameters
from ..inference.priors import LogUniform, Prior, as_prior
from .grid import EnergyGrid

__all__ = ["Component", "Guide", "Product", "SpectralModel", "Sum"]

FloatArray = NDArray[np.float64]
Setting = Any  # Prior, number, Quantity or None
_STEP = 1e-4  # of a numerical derivative, relative
_REACH = math.log(1e3)
_SLOPES = 4.0  # by how much an index may differ from 2 before a default prior excludes it
DENSITY = "1 / (cm2 s keV)"


@dataclass(frozen=True)
class Guide:
    """Scales of the data from which default priors and starting values are made.

    Attributes
    ----------
    lowest, highest : float
        Ends of the noticed band, keV.
    density : float
        Photons per cm2, s and keV in the (logarithmic) middle of the band, roughly.
    """

    lowest: float = 0.3
    highest: float = 10.0
    density: float = 1e-4

    @property
    def middle(self) -> float:
        """The logarithmic middle of the band, keV."""
        return math.sqrt(self.lowest * self.highest)

    def normalization(self, pivot: float = 1.0, name: str = "normalization") -> Parameter:
        """Return the parameter K at `pivot` for a law with an index near 2."""
        away = abs(math.log(self.middle / pivot))
        reach = min(_REACH + _SLOPES * away, 300.0)
        value = self.density * (self.middle / pivot) ** 2
        prior = LogUniform(value * math.exp(-reach), value * math.exp(reach))
        return Parameter(name, value, prior, unit=DENSITY, symbol="K")


class SpectralModel(abc.ABC):
    """A photon spectrum, or a factor of one."""

    @property
    @abc.abstractmethod
    def components(self) -> tuple[Component, ...]:
        """The leaves, in the order of their parameters."""

    @property
    @abc.abstractmethod
    def is_additive(self) -> bool:
        """Whether it emits photons; otherwise it is a factor."""

    @abc.abstractmethod
    def _photons(self, values: FloatArray, grid: EnergyGrid, shift: FloatArray) -> FloatArray:
        """Return ``(n, k)`` photons (or factors) per adjacent bin for ``(n, p)`` values.

        `shift` ``(n,)`` is ln(1 + z), added to the logarithms of the edges.
        """

    def _derivatives(self, values: FloatArray, grid: EnergyGrid, shift: float) -> FloatArray:
        """Return ``(1 + p, k)``: photons and their derivatives in all parameters ``(p,)``."""
        return np.concatenate(
            [
                self._photons(values[None, :], grid, np.array([shift])),
                self._numerical(values, grid, shift, range(values.size)),
            ]
        )

    def _numerical(
        self, values: FloatArray, grid: EnergyGrid, shift: float, columns: Any
    ) -> FloatArray:
        """Return derivatives in some columns by central differences of fourth order."""
        rows = []
        for j in columns:
            step = _STEP * max(abs(values[j]), 1e-2)
            points = np.repeat(values[None, :], 4, axis=0)
            points[:, j] += step * np.array([1.0, -1.0, 2.0, -2.0])
            a, b, c, d = self._photons(points, grid, np.full(4, shift))
            rows.append((8 * (a - b) - (c - d)) / (12 * step))
        return np.array(rows).reshape(-1, grid.n_adjacent)

    # -- composing -------------------------------------------------------------------------------

    def __add__(self, other: SpectralModel) -> SpectralModel:
        if not isinstance(other, SpectralModel):
            return NotImplemented
        for part in (self, other):
            if not part.is_additive:
                raise InputError(
                    "only components that emit can be added",
                    value=part.label,
                    hint="multiply: TBabs() * (PowerLaw() + GaussianLine())",
                )
        return Sum((*_terms(self), *_terms(other)))

    def __mul__(self, other: SpectralModel) -> SpectralModel:
        if not isinstance(other, SpectralModel):
            return NotImplemented
        if self.is_additive and other.is_additive:
            raise InputError(
                "two components that emit cannot be multiplied",
                value=f"{self.label}; {other.label}",
                hint="add them, or multiply by an absorption",
            )
        if self.is_additive:
            self, other = other, self
            if any(part.acts_on_what_follows for part in self.components):
                raise InputError(
                    "a redshift stands to the left of what it shifts",
                    hint="Redshift(redshift=0.1) * PowerLaw()",
                )
        factors = (*_factors(self), *_factors(other))
        core = other.core if isinstance(other, Product) else other if other.is_additive else None
        return Product(factors, core)

    # -- names ---------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parameters in order; the second of a name ends in ``_2``."""
        count: dict[str, int] = {}
        result = []
        for component in self.components:
            for name in component.own_names:
                count[name] = count.get(name, 0) + 1
                result.append(name if count[name] == 1 else f"{name}_{count[name]}")
        return tuple(result)

    @property
    def aliases(self) -> dict[str, str]:
        """XSPEC names of parameters, where they differ, and the names they stand for."""
        result: dict[str, str] = {}
        at = 0
        for component in self.components:
            for own in component.own_names:
                alias = component.xspec_names.get(own)
                if alias and alias != own:
                    result.setdefault(_numbered(alias, result), self.names[at])
                at += 1
        return result

    @property
    def scales(self) -> tuple[int, ...]:
        """Columns of parameters in which, together, the photons are linear without a constant.

        The photons are then the sum of their derivatives in these times their values. None where
        the model does not say so.
        """
        return ()

    @property
    @abc.abstractmethod
    def label(self) -> str:
        """The model in words, such as "TBabs * (power law + Gaussian line)"."""

    def parameters(self, guide: Guide | None = None) -> Parameters:
        """Return parameters with priors and starting values for data with these scales."""
        named = iter(self.names)
        parts = []
        for component in self.components:
            for parameter in component.defaults(guide or Guide()):
                own = component.overridden(parameter)
                parts.append(replace(own, name=next(named)))
        return Parameters(parts)

    # -- numbers -------------------------------------------------------------------------------

    def photons(self, grid: EnergyGrid, values: ArrayLike) -> FloatArray:
        """Return photons per cm2 and s in each bin, shape ``(n, m)``.

        Parameters
        ----------
        grid : EnergyGrid
        values : array_like, shape (n, p) or (p,)
            All parameters, in the order of `names`.
        """
        values = np.ascontiguousarray(np.atleast_2d(np.asarray(values, dtype=float)))
        return grid.pick(self._photons(values, grid, np.zeros(values.shape[0])))

    def photons_and_derivatives(self, grid: EnergyGrid, values: FloatArray) -> FloatArray:
        """Return ``(1 + p, m)``: photons and their derivatives at ``(p,)`` values."""
        return grid.pick(self._derivatives(np.ascontiguousarray(values, dtype=float), grid, 0.0))

    def evaluate(self, edges: ArrayLike, **values: Any) -> FloatArray:
        """Return photons per cm2 and s in adjacent bins, shape ``(m,)``.

        For a multiplicative model, the mean factor in each bin.

        Parameters
        ----------
        edges : array_like or Quantity, shape (m + 1,)
            keV.
        **values : float or Quantity
            Every parameter that has no number yet; XSPEC names are understood.

        Raises
        ------
        ParameterError
            For a missing or unknown name.
        InputError
            For an edge at E = 0.

        Examples
        --------
        >>> import astrokit as ak
        >>> ak.spectra.PowerLaw(photon_index=2.0).evaluate([1, 2, 4], norm=1.0)
        array([0.5 , 0.25])
        """
        row = self.complete(values)
        return self.photons(EnergyGrid.from_edges(edges), row)[0]

    def density(self, energy: ArrayLike, **values: Any) -> FloatArray:
        """Return photons per cm2, s and keV at each energy (keV), shape ``(m,)``.

        Parameters and errors are those of :meth:`evaluate`.
        """
        unit = "keV" if getattr(energy, "unit", None) is not None else None
        at = as_array(energy, "energy", unit=unit, positive=True)
        photons = self.photons(point_grid(at), self.complete(values))[0]
        return photons / point_widths(at) if self.is_additive else photons

    def complete(self, values: Mapping[str, Any]) -> FloatArray:
        """Return values of all parameters ``(p,)``: those given, and fixed ones."""
        own = {self.aliases.get(name, name): value for name, value in values.items()}
        known = dict(self._known())
        unknown = set(own) - set(self.names)
        missing = set(self.names) - set(own) - set(known)
        if unknown or missing:
            raise ParameterError(
                "the parameters given are not those of the model",
                value=", ".join(sorted(own)) or "none",
                allowed=", ".join(self.names),
                hint=f"missing: {', '.join(sorted(missing))}" if missing else None,
            )
        parameters = self.parameters()
        numbers = {**known, **own}
        return np.array([as_scalar(numbers[n], n, unit=parameters[n].unit) for n in self.names])

    def _known(self) -> Iterator[tuple[str, float]]:
        for parameter in self.parameters():
            if parameter.fixed:
                yield parameter.name, parameter.value


def _numbered(alias: str, taken: Mapping[str, str]) -> str:
    k = 2
    name = alias
    while name in taken:
        name, k = f"{alias}_{k}", k + 1
    return name


def point_grid(energy: FloatArray) -> EnergyGrid:
    """Return bins so narrow around each energy that their means are densities."""
    return EnergyGrid(energy * (1 - _POINT), energy * (1 + _POINT))


def point_widths(energy: FloatArray) -> FloatArray:
    """Return the widths of the bins of :func:`point_grid`."""
    return energy * (1 + _POINT) - energy * (1 - _POINT)


_POINT = 1e-5


def _terms(model: SpectralModel) -> tuple[SpectralModel, ...]:
    return model.terms if isinstance(model, Sum) else (model,)


def _factors(model: SpectralModel) -> tuple[Component, ...]:
    if isinstance(model, Product):
        return model.factors
    if isinstance(model, Component) and not model.is_additive:
        return (model,)
    return ()


@dataclass(frozen=True, repr=False)
class Sum(SpectralModel):
    """Several emitting models; made by ``+``."""

    terms: tuple[SpectralModel, ...]

    @property
    def components(self) -> tuple[Component, ...]:
        return tuple(c for term in self.terms for c in term.components)

    @property
    def is_additive(self) -> bool:
        return True

    @property
    def scales(self) -> tuple[int, ...]:
        if not all(term.scales for term in self.terms):
            return ()
        return tuple(place.start + j for term, place in self.places() for j in term.scales)

    @property
    def label(self) -> str:
        return " + ".join(term.label for term in self.terms)

    def places(self) -> Iterator[tuple[SpectralModel, slice]]:
        """Yield each term with the place of its parameters."""
        return _places(self.terms)

    def _photons(self, values: FloatArray, grid: EnergyGrid, shift: FloatArray) -> FloatArray:
        total = np.zeros((values.shape[0], grid.n_adjacent))
        for term, place in self.places():
            total += term._photons(np.ascontiguousarray(values[:, place]), grid, shift)
        return total

    def _derivatives(self, values: FloatArray, grid: EnergyGrid, shift: float) -> FloatArray:
        total = np.zeros((1, grid.n_adjacent))
        rows = [total]
        for term, place in self.places():
            own = term._derivatives(values[place], grid, shift)
            total += own[:1]
            rows.append(own[1:])
        return np.concatenate(rows)

    def __repr__(self) -> str:
        return " + ".join(map(repr, self.terms))


@dataclass(frozen=True, repr=False)
class Product(SpectralModel):
    """Factors times an emitting model (or none yet); made by ``*``."""

    factors: tuple[Component, ...]
    core: SpectralModel | None

    @property
    def components(self) -> tuple[Component, ...]:
        return (*self.factors, *(self.core.components if self.core else ()))

    @property
    def is_additive(self) -> bool:
        return self.core is not None

    @property
    def scales(self) -> tuple[int, ...]:
        *_, (core, place) = self.places()
        return tuple(place.start + j for j in core.scales) if self.core is not None else ()

    @property
    def label(self) -> str:
        parts = [factor.label for factor in self.factors]
        if self.core is not None:
            inner = self.core.label
            parts.append(f"({inner})" if isinstance(self.core, Sum) else inner)
        return " * ".join(parts)

    def _parts(self) -> tuple[SpectralModel, ...]:
        return self.factors if self.core is None else (*self.factors, self.core)

    def places(self) -> Iterator[tuple[SpectralModel, slice]]:
        """Yield factors and core with the place of their parameters."""
        return _places(self._parts())

    def _photons(self, values: FloatArray, grid: EnergyGrid, shift: FloatArray) -> FloatArray:
        result: FloatArray | None = None
        for part, place in self.places():
            own = np.ascontiguousarray(values[:, place])
            if isinstance(part, Component) and part.acts_on_what_follows:
                step = np.log1p(own[:, 0])
                shift = shift + step
                piece = np.exp(-step)[:, None]
            else:
                piece = part._photons(own, grid, shift)
            result = piece if result is None else result * piece
        return np.empty(0) if result is None else result

    def _derivatives(self, values: FloatArray, grid: EnergyGrid, shift: float) -> FloatArray:
        pieces = []
        numerical = []
        for part, place in self.places():
            if isinstance(part, Component) and part.acts_on_what_follows:
                z = float(values[place][0])
                shift += math.log1p(z)
                pieces.append(np.full((2, grid.n_adjacent), 1 / (1 + z)))
                numerical.append(place.start)
            else:
                pieces.append(part._derivatives(values[place], grid, shift))
        whole = np.prod([piece[0] for piece in pieces], axis=0)
        rows = [whole[None, :]]
        for i, piece in enumerate(pieces):
            others = [other[0] for k, other in enumerate(pieces) if k != i]
            rows.append(piece[1:] * np.prod(others, axis=0) if others else piece[1:])
        result = np.concatenate(rows)
        if numerical:
            base = shift - sum(math.log1p(values[j]) for j in numerical)
            result[1 + np.array(numerical)] = self._numerical(values, grid, base, numerical)
        return result

    def __repr__(self) -> str:
        parts = [repr(factor) for factor in self.factors]
        if self.core is not None:
            parts.append(f"({self.core!r})" if isinstance(self.core, Sum) else repr(self.core))
        return " * ".join(parts)


def _places(parts: tuple[SpectralModel, ...]) -> Iterator[tuple[SpectralModel, slice]]:
    at = 0
    for part in parts:
        stop = at + len(part.names)
        yield part, slice(at, stop)
        at = stop


class _WithAliases(abc.ABCMeta):
    """Lets a component be made with the parameter names of XSPEC."""

    def __call__(cls, *args: Any, **settings: Any) -> Any:
        named = getattr(cls, "xspec_names", {})
        aliases = {x: own for own, x in named.items()} if isinstance(named, Mapping) else {}
        translated = {aliases.get(name, name): value for name, value in settings.items()}
        if len(translated) < len(settings):
            raise ParameterError("a parameter is given twice", value=", ".join(sorted(settings)))
        return super().__call__(*args, **translated)


class Component(SpectralModel, metaclass=_WithAliases):
    """One component: a frozen dataclass whose fields are its parameters and settings.

    Attributes
    ----------
    own_names : tuple of str
        Names of its parameters.
    xspec_names : mapping
        Names of the same parameters in XSPEC, which are understood as well.
    xspec : str
        Name of the component in XSPEC.
    """

    kind: ClassVar[str] = ""
    xspec: ClassVar[str] = ""
    own_names: ClassVar[tuple[str, ...]] = ()
    xspec_names: ClassVar[Mapping[str, str]] = {}
    additive: ClassVar[bool] = True
    acts_on_what_follows: ClassVar[bool] = False
    citation_keys: ClassVar[tuple[str, ...]] = ()

    @property
    def components(self) -> tuple[Component, ...]:
        return (self,)

    @property
    def is_additive(self) -> bool:
        return self.additive

    @property
    def label(self) -> str:
        return self.kind

    @abc.abstractmethod
    def defaults(self, guide: Guide) -> list[Parameter]:
        """Return its parameters with default priors."""

    def overridden(self, parameter: Parameter) -> Parameter:
        """Return one of its default parameters with what the user gave in its place."""
        setting = getattr(self, parameter.name, None)
        if setting is None:
            return parameter
        if isinstance(setting, Prior):
            low, high = setting.support
            inside = low <= parameter.value <= high
            value = parameter.value if inside else float(setting.ppf(0.5))
            return replace(parameter, value=value, prior=setting, fixed=False)
        value = as_scalar(setting, parameter.name, unit=parameter.unit)
        if getattr(self, "fixed", True):
            return replace(parameter, value=value, fixed=True)
        return _starting_at(parameter, value)

    def __post_init__(self) -> None:
        for name in self.own_names:
            setting = getattr(self, name, None)
            if setting is None or isinstance(setting, Prior):
                continue
            if hasattr(setting, "rvs") or hasattr(setting, "logpdf"):
                object.__setattr__(self, name, as_prior(setting, name))
                continue
            unit = None
            if getattr(setting, "unit", None) is not None:
                unit = next(p.unit for p in self.defaults(Guide()) if p.name == name)
            as_scalar(setting, name, unit=unit)

    def __repr__(self) -> str:
        names = [f.name for f in fields(self) if f.repr]  # type: ignore[arg-type]
        given = [f"{n}={v!r}" for n in names if (v := getattr(self, n)) != _default(self, n)]
        return f"{type(self).__name__}({', '.join(given)})"


def _default(component: Component, name: str) -> Any:
    return next(f.default for f in fields(component) if f.name == name)  # type: ignore[arg-type]


def _starting_at(parameter: Parameter, value: float) -> Parameter:
    """Return a free parameter that starts at `value`, its default prior widened to hold it."""
    prior = parameter.prior
    if prior is None:
        raise ParameterError(
            f"{parameter.name} has no default prior", hint="give one, such as Uniform(0, 1)"
        )
    low, high = prior.support
    if low <= value <= high:
        return replace(parameter, value=value, fixed=False)
    if isinstance(prior, LogUniform) and value > 0:
        return replace(
            parameter, value=value, prior=LogUniform(min(low, value / 1e3), max(high, value * 1e3))
        )
    raise ParameterError(
        f"the value of {parameter.name} lies outside its default prior",
        value=value,
        allowed=f"{low:g} to {high:g}",
        hint="give a prior of your own in its place",
    )
