"""Problems for a user's own function: Gaussian errors, Poisson counts, or any log-likelihood."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, require_equal_lengths
from ..errors import InputError, ShapeError
from .function_identity import function_checksum, require_arguments
from .parameters import Parameters
from .problem import Problem

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .fit_result import Fit
    from .posterior import Posterior

__all__ = ["CurveProblem", "FunctionProblem", "PoissonProblem"]

FloatArray = NDArray[np.float64]
_LOG_2PI = float(np.log(2 * np.pi))


def _function_name(function: Any) -> str:
    """Return the name that a user gave a function, or nothing for a lambda."""
    name = str(getattr(function, "__name__", ""))
    return "" if name == "<lambda>" else name


class _ModelOfX(Problem):
    """What :class:`CurveProblem` and :class:`PoissonProblem` share: y predicted at x."""

    def __init__(
        self, x: ArrayLike, function: Callable[..., Any], parameters: Parameters, n: int
    ) -> None:
        super().__init__(parameters)
        self._x = as_array(x, "x", unit=getattr(x, "unit", None))
        require_equal_lengths(x=self._x, y=np.empty(n))
        require_arguments(function, self.parameters.names)
        self._function = function
        self.predict(self.parameters.values)  # a function that does not fit is refused here

    @property
    def x(self) -> FloatArray:
        """Where the data were taken, shape ``(m,)``."""
        return self._x

    def predict(self, values: ArrayLike) -> FloatArray:
        """Return the model ``(n, m)`` for ``(n, p)`` (or ``(p,)``) values of all parameters.

        Raises
        ------
        ShapeError
            When the function does not broadcast over columns of parameter values.
        """
        values = np.atleast_2d(np.asarray(values, dtype=float))
        columns = [values[:, i, None] for i in range(values.shape[1])]
        model = np.asarray(self._function(self._x, *columns), dtype=float)
        shape = (values.shape[0], self._x.size)
        if model.shape == shape:
            return model
        try:
            return np.broadcast_to(model, shape)
        except ValueError:
            raise ShapeError(
                "the model function does not broadcast over parameter vectors",
                value=f"shape {model.shape}",
                allowed=f"{shape}",
                hint="write it with NumPy operations: x has shape (m,), each parameter (n, 1)",
            ) from None

    @property
    def function(self) -> Callable[..., Any]:
        """The model ``function(x, *parameters)``."""
        return self._function

    def plot(self, *results: Fit | Posterior, ax: Axes | None = None) -> Axes:
        """Draw the data, and the model with each result; return the axes.

        A fit is a line; a posterior a line with the band that holds one sigma.
        """
        from .plots import plot_curve_problem

        return plot_curve_problem(self, results, ax)

    @property
    def label(self) -> str:
        return _function_name(self._function) or super().label

    def settings(self) -> Mapping[str, Any]:
        return {"function": function_checksum(self._function)}


class CurveProblem(_ModelOfX):
    """Data y(x) with known Gaussian errors and a model function.

    Parameters
    ----------
    x, y, sigma : array_like, shape (m,)
        Positions, values and their standard deviations (> 0); Quantities need one unit for y and
        sigma, and the function works in the unit of `x` and `y`.
    function : callable
        ``function(x, *parameters)`` of NumPy operations: called with x of shape ``(m,)`` and each
        parameter of shape ``(n, 1)``, returns ``(n, m)``.
    parameters : Parameters
        In the order in which `function` takes them.

    Raises
    ------
    ShapeError, NonFiniteError, MaskError, UnitError, InputError

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.inference import CurveProblem, Parameter, Parameters, Uniform
    >>> line = Parameters([Parameter(name, 1.0, Uniform(-9, 9)) for name in ("a", "b")])
    >>> problem = CurveProblem([0, 1, 2], [1, 3, 5], [1, 1, 1], lambda x, a, b: a + b * x, line)
    >>> [round(problem.fit()[name].value, 6) for name in ("a", "b")]
    [1.0, 2.0]
    """

    statistic = "gaussian"

    def __init__(
        self,
        x: ArrayLike,
        y: ArrayLike,
        sigma: ArrayLike,
        function: Callable[..., Any],
        parameters: Parameters,
    ) -> None:
        unit = getattr(y, "unit", None)
        self._y = as_array(y, "y", unit=unit)
        self._sigma = as_array(sigma, "sigma", unit=unit, positive=True)
        require_equal_lengths(y=self._y, sigma=self._sigma)
        self._norm = -float(np.log(self._sigma).sum()) - 0.5 * self._y.size * _LOG_2PI
        super().__init__(x, function, parameters, self._y.size)

    @property
    def data(self) -> FloatArray:
        """The values y, shape ``(m,)``."""
        return self._y

    @property
    def sigma(self) -> FloatArray:
        """Standard deviations of y, shape ``(m,)``."""
        return self._sigma

    def with_data(self, data: Any) -> Self:
        return type(self)(self._x, data, self._sigma, self._function, self.parameters)

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        return {"y": self._y, "x": self._x, "sigma": self._sigma}

    def _z(self, values: FloatArray) -> FloatArray:
        return (self._y - self.predict(values)) / self._sigma

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        z = self._z(values)
        return self._norm - 0.5 * np.einsum("ij,ij->i", z, z)

    def _pointwise(self, values: FloatArray) -> FloatArray:
        return -0.5 * self._z(values) ** 2 - np.log(self._sigma) - 0.5 * _LOG_2PI

    def _residuals(self, values: FloatArray) -> FloatArray:
        return self._z(values[None, :])[0]

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> FloatArray:
        return self.predict(values)[0] + self._sigma * rng.standard_normal(self._y.size)


class PoissonProblem(_ModelOfX):
    """Counts at x that follow a Poisson distribution around a model function.

    Parameters
    ----------
    x : array_like, shape (m,)
    counts : array_like of whole numbers >= 0, shape (m,)
    function : callable
        Expected counts, as in :class:`CurveProblem`; a negative expectation has likelihood zero.
    parameters : Parameters

    Raises
    ------
    ShapeError, NonFiniteError, MaskError, InputError
    """

    statistic = "poisson"

    def __init__(
        self,
        x: ArrayLike,
        counts: ArrayLike,
        function: Callable[..., Any],
        parameters: Parameters,
    ) -> None:
        whole = as_array(counts, "counts", dtype=np.int64)
        if whole.min() < 0:
            raise InputError("counts must be >= 0", value=int(whole.min()))
        self._counts = whole.astype(float)
        super().__init__(x, function, parameters, whole.size)

    @property
    def data(self) -> FloatArray:
        """The counts, shape ``(m,)``."""
        return self._counts

    def with_data(self, data: Any) -> Self:
        return type(self)(self._x, data, self._function, self.parameters)

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        return {"counts": self._counts, "x": self._x}

    def _pointwise(self, values: FloatArray) -> FloatArray:
        from scipy.special import gammaln, xlogy

        mu = self.predict(values)
        allowed = mu >= 0
        # xlogy(0, 0) is 0: no counts where none are expected is certain, not impossible.
        terms = xlogy(self._counts, np.where(allowed, mu, 1.0)) - mu - gammaln(self._counts + 1)
        return np.where(allowed | np.isnan(mu), terms, -np.inf)

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        return self._pointwise(values).sum(axis=1)

    def _deviance(self, values: FloatArray) -> float:
        from scipy.special import gammaln, xlogy

        counts = self._counts
        saturated = float((xlogy(counts, counts) - counts - gammaln(counts + 1)).sum())
        return 2 * (saturated - float(self._log_likelihood(values[None, :])[0]))

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> FloatArray:
        return rng.poisson(self.predict(values)[0]).astype(float)


class FunctionProblem(Problem):
    """Any log-likelihood that a user can write as a function.

    Parameters
    ----------
    log_likelihood : callable
        ``log_likelihood(values, data)`` with values ``(n, p)``, returns ``(n,)``.
    parameters : Parameters
    data : array_like
        The data, of any shape; first axis counts them.
    simulate : callable, optional
        ``simulate(values, rng)`` with values ``(p,)``, returns data; without it calibration and
        simulated significances are refused.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.inference import FunctionProblem, Parameter, Parameters, Uniform
    >>> def exponential(values, waits):  # waiting times of a Poisson process
    ...     rate = values[:, 0]
    ...     return waits.size * np.log(rate) - rate * waits.sum()
    >>> p = Parameters([Parameter("rate", 1.0, Uniform(0.01, 10))])
    >>> FunctionProblem(exponential, p, [0.5, 1.5, 1.0]).log_likelihood([[1.0]])
    array([-3.])
    """

    statistic = "user"

    def __init__(
        self,
        log_likelihood: Callable[[FloatArray, FloatArray], FloatArray],
        parameters: Parameters,
        data: ArrayLike,
        simulate: Callable[[FloatArray, np.random.Generator], ArrayLike] | None = None,
    ) -> None:
        super().__init__(parameters)
        self._function = log_likelihood
        self._data = as_array(data, "data", ndim=None)
        self._simulator = simulate

    @property
    def data(self) -> FloatArray:
        """The data as given."""
        return self._data

    def with_data(self, data: Any) -> Self:
        return type(self)(self._function, self.parameters, data, self._simulator)

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        return {"data": self._data}

    @property
    def label(self) -> str:
        return _function_name(self._function) or super().label

    def settings(self) -> Mapping[str, Any]:
        return {"function": function_checksum(self._function)}

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        return self._function(values, self._data)

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> FloatArray:
        if self._simulator is None:
            raise InputError(
                "this FunctionProblem cannot simulate data",
                hint="make it with simulate=, a function (values, rng) that returns data",
            )
        return np.asarray(self._simulator(values, rng), dtype=float)
