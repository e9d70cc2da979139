"""Named parameters with priors, fixed values and ties; the bridge to and from lmfit.

Two vectors must not be confused: `theta`, shape ``(n, d)``, holds the d FREE parameters (what a
sampler moves); `values`, shape ``(n, p)``, holds ALL p parameters in order (what a model needs).
:meth:`Parameters.expand` leads from the first to the second.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar, as_unit
from ..errors import ParameterError, ShapeError
from .expressions import evaluate, names_in
from .priors import Prior, Uniform, as_prior, prior_from_dict

if TYPE_CHECKING:
    import lmfit

__all__ = ["Parameter", "Parameters"]

FloatArray = NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One named number of a model.

    Parameters
    ----------
    name : str
        A Python identifier, such as ``"slope"``.
    value : float or Quantity
        Starting value; the value itself where `fixed`.
    prior : Prior or frozen scipy.stats distribution, optional
        Its support is the allowed range. Needed unless `fixed` or `tied`.
    unit : str or astropy unit, optional
    symbol : str, optional
        LaTeX without dollar signs, for plots.
    fixed : bool
        Keep the value in fits and samples.
    tied : str, optional
        An lmfit expression in other parameters, such as ``"2 * low_slope"``.

    Raises
    ------
    ParameterError
        For a bad name, a value outside the prior, or a missing prior.

    Examples
    --------
    >>> from astrokit.inference import Parameter, Uniform
    >>> Parameter("slope", 2.0, Uniform(0, 4)).prior.support
    (0, 4)
    """

    name: str
    value: float
    prior: Prior | None = None
    unit: Any = None
    symbol: str | None = None
    fixed: bool = False
    tied: str | None = None

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ParameterError(
                "a parameter name must be a Python identifier",
                value=self.name,
                hint="use letters, digits and _, such as 'low_slope'",
            )
        object.__setattr__(self, "unit", as_unit(self.unit, f"unit of {self.name}"))
        object.__setattr__(self, "value", as_scalar(self.value, self.name, unit=self.unit))
        if self.prior is not None:
            object.__setattr__(self, "prior", as_prior(self.prior, self.name))
        self._check_freedom()

    def _check_freedom(self) -> None:
        if self.fixed and self.tied:
            raise ParameterError(f"{self.name} is both fixed and tied", hint="choose one")
        if not self.is_free:
            return
        if self.prior is None:
            raise ParameterError(
                f"{self.name} is free but has no prior",
                hint="give one such as Uniform(low, high), or fixed=True",
            )
        low, high = self.prior.support
        if not low <= self.value <= high:
            raise ParameterError(
                f"the value of {self.name} lies outside its prior",
                value=self.value,
                allowed=f"{low} to {high}",
            )

    @property
    def is_free(self) -> bool:
        """Whether a fit or sampler may move it."""
        return not self.fixed and self.tied is None

    @property
    def label(self) -> str:
        """Symbol (or name) with unit, for an axis."""
        text = f"${self.symbol}$" if self.symbol else self.name.replace("_", " ")
        unit = "" if self.unit is None else self.unit.to_string()
        return f"{text} [{unit}]" if unit else text

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types; :meth:`from_dict` restores the parameter."""
        record = dict(self.__dict__)
        record["unit"] = None if self.unit is None else self.unit.to_string()
        record["prior"] = None if self.prior is None else self.prior.as_dict()
        return record

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Parameter:
        """Rebuild a parameter from :meth:`as_dict`."""
        fields = dict(record)
        if fields["prior"] is not None:
            fields["prior"] = prior_from_dict(fields["prior"])
        return cls(**fields)


class Parameters:
    """An ordered, immutable collection of :class:`Parameter`.

    Parameters
    ----------
    parameters : iterable of Parameter, or one Parameter

    Raises
    ------
    ParameterError
        For a repeated name, a tie that is no expression or names no parameter, or no parameter.

    Examples
    --------
    >>> from astrokit.inference import Parameter, Parameters, Uniform
    >>> p = Parameters([Parameter("a", 1.0, Uniform(0, 2)), Parameter("b", 3.0, fixed=True)])
    >>> p.free_names, p.expand([[0.5]]).tolist()
    (('a',), [[0.5, 3.0]])
    """

    def __init__(self, parameters: Iterable[Parameter] | Parameter) -> None:
        items = (parameters,) if isinstance(parameters, Parameter) else tuple(parameters)
        for item in items:
            if not isinstance(item, Parameter):
                raise ParameterError(
                    "Parameters are made of Parameter objects",
                    value=f"{type(item).__name__} {item!r}",
                    hint="such as [Parameter('slope', 1.0, Uniform(0, 4))]",
                )
        self._by_name = {p.name: p for p in items}
        if not items:
            raise ParameterError("a problem needs at least one parameter")
        if len(self._by_name) != len(items):
            names = [p.name for p in items]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ParameterError("parameter names are repeated", value=twice)
        self._check_ties()

    # -- looking in ------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Parameter:
        try:
            return self._by_name[name]
        except KeyError:
            raise self._unknown(name) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parameters) and self.as_list() == other.as_list()

    def __hash__(self) -> int:
        return hash(tuple(self._by_name))

    def __repr__(self) -> str:
        rows = []
        for p in self:
            state = "fixed" if p.fixed else f"= {p.tied}" if p.tied else repr(p.prior)
            rows.append(f"  {p.name} = {p.value:.6g}{f' {p.unit}' if p.unit else ''}  [{state}]")
        return "Parameters\n" + "\n".join(rows)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All names in order."""
        return tuple(self._by_name)

    @cached_property
    def free(self) -> tuple[Parameter, ...]:
        """The free parameters in order."""
        return tuple(p for p in self if p.is_free)

    @cached_property
    def free_names(self) -> tuple[str, ...]:
        """Names of the free parameters: the columns of `theta`."""
        return tuple(p.name for p in self.free)

    @cached_property
    def free_index(self) -> NDArray[np.int64]:
        """Position of each free parameter among all, shape ``(d,)``."""
        return np.array([i for i, p in enumerate(self) if p.is_free], dtype=np.int64)

    @property
    def n_free(self) -> int:
        """Number d of free parameters."""
        return len(self.free)

    @cached_property
    def values(self) -> FloatArray:
        """Starting values of all parameters, ties evaluated, shape ``(p,)``."""
        return self.expand(self.free_values[None, :])[0]

    @cached_property
    def free_values(self) -> FloatArray:
        """Starting values of the free parameters, shape ``(d,)``."""
        return np.array([p.value for p in self.free], dtype=float)

    @cached_property
    def bounds(self) -> FloatArray:
        """Prior support of the free parameters, shape ``(d, 2)``."""
        return np.array([p.prior.support for p in self.free if p.prior], dtype=float).reshape(-1, 2)

    @cached_property
    def has_ties(self) -> bool:
        """Whether any parameter follows from others."""
        return any(p.tied for p in self)

    @cached_property
    def compiled_priors(self) -> FloatArray | None:
        """Priors of the free parameters as numbers ``(d, 7)``; None if one has no such form."""
        rows = [p.prior.compiled for p in self.free if p.prior]
        if any(row is None for row in rows):
            return None
        return np.array(rows, dtype=float).reshape(-1, 7)

    # -- changing (always a new collection) ------------------------------------------------

    def replace(self, name: str, **changes: Any) -> Parameters:
        """Return a copy in which fields of one parameter are changed.

        Examples
        --------
        >>> from astrokit.inference import Normal, Parameter, Parameters, Uniform
        >>> p = Parameters([Parameter("a", 1.0, Uniform(0, 2))])
        >>> p.replace("a", prior=Normal(1.0, 0.1))["a"].prior.sigma
        0.1
        """
        changed = dataclasses.replace(self[name], **changes)
        return Parameters(changed if p.name == name else p for p in self)

    def fix(self, **values: float) -> Parameters:
        """Return a copy in which the named parameters are fixed at these values."""
        result = self
        for name, value in values.items():
            result = result.replace(name, value=value, fixed=True, tied=None)
        return result

    def tie(self, **expressions: str) -> Parameters:
        """Return a copy in which the named parameters follow lmfit expressions."""
        result = self
        for name, expression in expressions.items():
            result = result.replace(name, tied=expression, fixed=False)
        return result

    # -- vectors ---------------------------------------------------------------------------

    def as_theta(self, theta: Any) -> FloatArray:
        """Return `theta` as ``(n, d)`` float64, or raise a ShapeError that names the columns."""
        array = np.ascontiguousarray(theta, dtype=float)
        if array.ndim == 1:
            array = array[None, :]
        if array.ndim != 2 or array.shape[1] != self.n_free:
            raise ShapeError(
                "theta must hold one column per free parameter",
                value=f"shape {np.shape(theta)}",
                allowed=f"(n, {self.n_free}): {', '.join(self.free_names)}",
            )
        return array

    def expand(self, theta: Any) -> FloatArray:
        """Return all parameter values ``(n, p)`` for free values `theta` ``(n, d)``."""
        theta = self.as_theta(theta)
        if self.n_free == len(self):
            return theta
        values = np.empty((theta.shape[0], len(self)))
        values[:] = [p.value for p in self]
        values[:, self.free_index] = theta
        if self.has_ties:
            self._evaluate_ties(values)
        return values

    def log_prior(self, theta: Any) -> FloatArray:
        """Return the summed log prior density of the free parameters, shape ``(n,)``."""
        theta = self.as_theta(theta)
        total = np.zeros(theta.shape[0])
        for column, p in zip(theta.T, self.free, strict=True):
            total += p.prior.logpdf(column)  # type: ignore[union-attr]
        return total

    def prior_transform(self, u: Any) -> FloatArray:
        """Map ``(n, d)`` numbers uniform in 0 to 1 to draws from the prior (nested sampling)."""
        u = self.as_theta(u)
        columns = [p.prior.ppf(q) for q, p in zip(u.T, self.free, strict=True)]  # type: ignore[union-attr]
        return np.column_stack(columns)

    def sample_prior(self, rng: np.random.Generator, n: int = 1) -> FloatArray:
        """Return `n` draws ``(n, d)`` from the prior."""
        return self.prior_transform(rng.random((n, self.n_free)))

    def named(self, theta: Any) -> dict[str, float]:
        """Return one vector of free values as a dict of ALL parameters, for messages."""
        return dict(zip(self.names, self.expand(theta)[0].tolist(), strict=True))

    # -- interchange -----------------------------------------------------------------------

    def as_list(self) -> list[dict[str, Any]]:
        """Return plain JSON types; :meth:`from_list` restores the collection."""
        return [p.as_dict() for p in self]

    @classmethod
    def from_list(cls, records: Iterable[dict[str, Any]]) -> Parameters:
        """Rebuild from :meth:`as_list`."""
        return cls(Parameter.from_dict(record) for record in records)

    def to_lmfit(self) -> lmfit.Parameters:
        """Return ``lmfit.Parameters`` with bounds from the priors, fixed values and ties."""
        import lmfit

        result = lmfit.Parameters()
        for p in self:
            low, high = p.prior.support if p.prior else (-np.inf, np.inf)
            result.add(p.name, value=p.value, min=low, max=high, vary=p.is_free)
        for p in self:  # expressions last: lmfit wants every name to exist
            if p.tied:
                result[p.name].set(expr=p.tied)
        return result

    @classmethod
    def from_lmfit(cls, parameters: lmfit.Parameters) -> Parameters:
        """Return Parameters from ``lmfit.Parameters``; bounds become uniform priors.

        Raises
        ------
        ParameterError
            When a varying parameter has an infinite bound, which is no proper prior.
        """
        items = []
        for name, p in parameters.items():
            bounded = np.isfinite([p.min, p.max]).all()
            if p.vary and not p.expr and not bounded:
                raise ParameterError(
                    f"{name} varies without finite bounds, so it has no proper prior",
                    value=(p.min, p.max),
                    hint=f"set parameters[{name!r}].min and .max first",
                )
            prior = Uniform(float(p.min), float(p.max)) if bounded else None
            fixed = not p.vary and not p.expr
            items.append(Parameter(name, p.value, prior, fixed=fixed, tied=p.expr or None))
        return cls(items)

    # -- inner parts -----------------------------------------------------------------------

    def _unknown(self, name: str) -> ParameterError:
        near = get_close_matches(str(name), self.names, n=1)
        return ParameterError(
            "no such parameter",
            value=name,
            allowed=", ".join(self.names),
            hint=f"did you mean {near[0]!r}?" if near else None,
        )

    def _check_ties(self) -> None:
        if not self.has_ties:
            return
        try:
            values = self.values
        except SyntaxError as error:
            raise ParameterError(
                "a tie is not an expression",
                value=[p.tied for p in self if p.tied],
                allowed=f"arithmetic in parameters ({str(error).splitlines()[0]})",
                hint="write it as in Python, such as '2 * low_slope + 1'",
            ) from error
        except (ArithmeticError, RuntimeError, TypeError, ValueError) as error:
            raise ParameterError(
                "a tie cannot be computed",
                value=[p.tied for p in self if p.tied],
                hint=str(error).strip().splitlines()[-1] if str(error).strip() else None,
            ) from error
        except NameError as error:
            raise ParameterError(
                "a tie names something that is not a parameter",
                value=str(error).splitlines()[-1],
                allowed=", ".join(self.names),
            ) from error
        for p, value in zip(self, values, strict=True):
            if p.tied and not np.isfinite(value):
                raise ParameterError(
                    f"the tie of {p.name} is not finite at the starting values", value=p.tied
                )

    @cached_property
    def _tie_order(self) -> tuple[str, ...]:
        """Tied names, ordered so that each follows the tied names that its expression uses."""
        uses = {p.name: names_in(p.tied) for p in self if p.tied}
        order: list[str] = []
        while len(order) < len(uses):
            ready = [n for n in uses if n not in order and not (uses[n] & uses.keys()) - set(order)]
            if not ready:
                raise ParameterError("ties form a circle", value=sorted(uses.keys() - set(order)))
            order += ready
        return tuple(order)

    def _evaluate_ties(self, values: FloatArray) -> None:
        """Fill the tied columns in place."""
        columns = {name: values[:, i] for i, name in enumerate(self.names)}
        for name in self._tie_order:
            with np.errstate(all="ignore"):  # what is not finite is reported where it matters
                columns[name][:] = evaluate(str(self[name].tied), columns)
