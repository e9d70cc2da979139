"""Errors and warnings: what was wrong, with which value, what is allowed, and a way out.

Every error raised on purpose is an :class:`AstrokitError`. Most are also a built-in error
(``ValueError``, ``OSError``), so code that does not know astrokit can still catch them.
"""

from __future__ import annotations

import reprlib
from typing import Any

__all__ = [
    "AstrokitError",
    "AstrokitWarning",
    "CheckpointError",
    "ComparisonError",
    "ConvergenceWarning",
    "CoverageWarning",
    "DataUnavailableError",
    "DataWarning",
    "FitError",
    "FitWarning",
    "InputError",
    "LikelihoodError",
    "MaskError",
    "MissingDependencyError",
    "NonFiniteError",
    "ParameterError",
    "ReadError",
    "ShapeError",
    "UnitError",
    "WriteError",
]

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 120


class AstrokitError(Exception):
    """Base of all errors that astrokit raises on purpose.

    Parameters
    ----------
    problem : str
        What is wrong, as one sentence without a full stop.
    value : object, optional
        The offending value; shown shortened.
    allowed : str, optional
        The allowed range or kind, in words.
    hint : str, optional
        The way out: what to do now.

    Examples
    --------
    >>> from astrokit.errors import InputError
    >>> print(InputError("the bin size is negative", value=-2.0, allowed="> 0 s",
    ...                  hint="give dt in seconds"))
    the bin size is negative (got -2.0; allowed: > 0 s). Way out: give dt in seconds.
    """

    def __init__(
        self,
        problem: str,
        *,
        value: Any = None,
        allowed: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.problem = problem
        self.value = value
        self.allowed = allowed
        self.hint = hint
        super().__init__(problem)

    def __str__(self) -> str:
        facts = []
        if self.value is not None:
            facts.append(f"got {_SHORT.repr(self.value)}")
        if self.allowed:
            facts.append(f"allowed: {self.allowed}")
        text = self.problem + (f" ({'; '.join(facts)})" if facts else "")
        hint = (self.hint or "").rstrip(".")
        end = "" if hint.endswith("?") else "."
        return text + "." + (f" Way out: {hint}{end}" if hint else "")

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions pickle as class(*args); keyword-only facts must travel too (process pools).
        return _rebuild, (type(self), self.problem, self.__dict__.copy())


def _rebuild(cls: type[AstrokitError], problem: str, state: dict[str, Any]) -> AstrokitError:
    error = cls.__new__(cls)
    Exception.__init__(error, problem)
    error.__dict__.update(state)
    return error


class InputError(AstrokitError, ValueError):
    """An argument has a value that cannot be used."""


class UnitError(InputError):
    """A quantity has a unit that cannot be converted to the one needed, or a unit is missing."""


class ShapeError(InputError):
    """Arrays have the wrong number of dimensions or unequal lengths, or are empty."""


class MaskError(InputError):
    """Masked values arrived where a complete array is needed."""


class NonFiniteError(InputError):
    """NaN or infinite values arrived where finite numbers are needed."""


class ReadError(AstrokitError, OSError):
    """A file could not be understood; says which file and what was missing in it."""

    __str__ = AstrokitError.__str__  # OSError would print only its first argument


class DataUnavailableError(ReadError):
    """A registered data file is neither bundled, nor found locally, nor reachable."""


class WriteError(AstrokitError, OSError):
    """A file could not be written; what was there before is unchanged."""

    __str__ = AstrokitError.__str__


class ParameterError(InputError):
    """A model parameter, bound, prior or tie cannot be used; names the parameter."""


class LikelihoodError(AstrokitError, FloatingPointError):
    """A log-likelihood was NaN; carries the parameter values by name.

    Attributes
    ----------
    parameters : dict of str to float
        The offending parameter values.
    partial : object or None
        What had been computed before, such as the samples so far.
    """

    parameters: dict[str, float]
    partial: Any = None

    def __init__(self, problem: str, *, parameters: dict[str, float], hint: str | None = None):
        super().__init__(problem, value=parameters, hint=hint)
        self.parameters = parameters
        self.partial = None


class FitError(AstrokitError, RuntimeError):
    """An optimisation failed; says why, and never returns its numbers as a result."""


class CheckpointError(AstrokitError, RuntimeError):
    """A stored run cannot be resumed: other data, model, priors or settings, or damaged files."""


class ComparisonError(InputError):
    """Results cannot be compared: they do not describe the same data."""


class MissingDependencyError(AstrokitError, ImportError):
    """An optional package is needed; says which extra installs it."""


class AstrokitWarning(UserWarning):
    """Base of the warnings: the result stands, but the reader should know something."""


class DataWarning(AstrokitWarning):
    """Input was read, but part of it was dropped or assumed."""


class FitWarning(AstrokitWarning):
    """A fit succeeded with a reservation: a parameter at its bound, an undetermined one."""


class ConvergenceWarning(AstrokitWarning):
    """A chain is too short for the verdict "converged"."""


class CoverageWarning(AstrokitWarning):
    """An interval was given whose coverage is known to be off in this situation."""
