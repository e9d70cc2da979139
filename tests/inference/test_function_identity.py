"""An edited model is another model; and arguments that do not fit the parameters are refused."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from astrokit.errors import CheckpointError, ConvergenceWarning, InputError, ParameterError
from astrokit.inference import (
    CurveProblem,
    FunctionProblem,
    Parameter,
    Parameters,
    PoissonProblem,
    Problem,
    Uniform,
    compiled_likelihood,
)
from astrokit.inference.function_identity import class_checksum, function_checksum

X = np.arange(10.0)


def parameters(*names):
    return Parameters([Parameter(name, 1.0, Uniform(-9, 9)) for name in names])


def compiled(source):
    """Return the function `f` that a cell of a notebook defines."""
    namespace = {"np": np, "partial": partial}
    exec(source, namespace)
    return namespace["f"]


MODEL = "def f(x, a, b):\n    return a + b * x"
SEEN = {function_checksum(compiled(MODEL)): MODEL}  # each edit must differ from all others, too


def curve(source, names=("a", "b")):
    return CurveProblem(X, 1 + 2 * X, np.ones(10), compiled(source), parameters(*names))


@pytest.mark.parametrize(
    "edited",
    [
        "def f(x, a, b):\n    # a straight line\n    return a + (b * x)",
        "\n\nf = lambda x, a, b: a + b * x",
    ],
)
def test_layout_is_not_the_model(edited):
    assert function_checksum(compiled(edited)) == function_checksum(compiled(MODEL))


@pytest.mark.parametrize(
    "edited",
    [
        "def f(x, a, b):\n    return a + 3 * b * x",
        "def f(x, a, b):\n    return a - b * x",
        "def f(x, a, b):\n    return np.exp(a) + b * x",
        "def f(x, a, b, pivot=1.0):\n    return a + b * x",
        "def g(x, a, b):\n    return a + b * x\nf = partial(g, 0.0)",
        "k = 2.0\ndef f(x, a, b):\n    return a + b * x * k",
        "k = 3.0\ndef f(x, a, b):\n    return a + b * x * k",
        "def f(x, a, b):\n    return a + (lambda t: b * t)(x)",
        "def f(x, a, b):\n    return a + (lambda t: b - t)(x)",
        "def h(x): return x\ndef f(x, a, b):\n    return a + b * h(x)",
        "def h(x): return -x\ndef f(x, a, b):\n    return a + b * h(x)",
        "def make(k):\n    return lambda x, a, b: a + b * x * k\nf = make(2)",
        "def make(k):\n    return lambda x, a, b: a + b * x * k\nf = make(np.arange(10))",
        "class C:\n    def __call__(self, x, a, b): return a + b * x\nf = C()",
    ],
)
def test_each_edit_is_another_model(edited):
    assert SEEN.setdefault(function_checksum(compiled(edited)), edited) == edited


def test_the_checksum_is_that_of_any_other_process():
    code = (
        "from astrokit.inference.function_identity import function_checksum as s\n"
        "print(s(lambda x, a: a * x if x in {'u', 'v', 'w'} else x))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]


def test_a_recursive_function_has_one():
    recursive = compiled("def f(x, n=3):\n    return x if n == 0 else f(x, n - 1)")
    assert len(function_checksum(recursive)) == 64


def test_a_checkpoint_refuses_an_edited_model_of_the_same_name(tmp_path):
    arguments = {"seed": 1, "checkpoint": tmp_path / "run", "max_steps": 20}
    with pytest.warns(ConvergenceWarning):
        curve(MODEL).sample(**arguments)
    with pytest.raises(CheckpointError, match="model"):
        curve(MODEL.replace("b * x", "3 * b * x")).sample(**arguments)


@pytest.mark.parametrize("names", [("a",), ("a", "b", "c")])
def test_another_number_of_arguments_is_refused(names):
    with pytest.raises(InputError, match=r"one argument per parameter.*\(x, a"):
        curve(MODEL, names)


def test_arguments_in_another_order_are_refused():
    with pytest.raises(InputError, match=r"another order.*\(x, a, b\).*\(x, b, a\)"):
        curve(MODEL, ("b", "a"))


def test_other_names_go_by_position():
    fit = curve(MODEL, ("level", "slope")).fit()
    assert fit["slope"].value == pytest.approx(2.0, abs=1e-6)


def test_parameters_must_be_parameters():
    with pytest.raises(ParameterError, match=r"needs Parameters.*'dict'"):
        FunctionProblem(lambda values, data: values[:, 0], {"a": 1.0}, [1.0])


def test_a_likelihood_of_one_point_is_told_how_to_be_batched():
    problem = FunctionProblem(lambda values, data: 0.0, parameters("a"), [1.0])
    with pytest.raises(InputError, match=r"wrong shape.*one number per row"):
        problem.log_likelihood([[1.0]])


# -- classes and kernels -------------------------------------------------------------------------


def waiting_times(factor: float) -> type[Problem]:
    """Return a class of always the same name, whose code holds `factor`."""

    class WaitingTimes(Problem):
        def __init__(self, waits):
            super().__init__(Parameters([Parameter("rate", 1.0, Uniform(0.01, 10))]))
            self._waits = np.asarray(waits, dtype=float)

        @property
        def data(self):
            return self._waits

        def with_data(self, data):
            return type(self)(data)

        def data_arrays(self):
            return {"waits": self._waits}

        def _log_likelihood(self, values):
            rate = values[:, 0]
            return self._waits.size * np.log(rate) - factor * rate * self._waits.sum()

        def _simulate_data(self, values, rng):
            return rng.exponential(1 / values[0], self._waits.size)

    return WaitingTimes


def test_an_edited_class_is_another_model(tmp_path):
    first, same, edited = (waiting_times(f)([0.5, 1.5, 1.0]) for f in (1.0, 1.0, 2.0))
    assert first.model_checksum == same.model_checksum
    assert first.model_checksum != edited.model_checksum
    path = tmp_path / "chain"
    first.sample(seed=1, ensembles=1, until=10, checkpoint=path)
    with pytest.raises(CheckpointError, match="the model"):
        edited.sample(seed=1, ensembles=1, until=10, checkpoint=path)


def test_an_edited_kernel_is_another_function():
    def kernel(values, data):
        return -values[0]

    def edited(values, data):
        return -2.0 * values[0]

    one, other = map(compiled_likelihood, (kernel, edited))
    assert function_checksum(one) != function_checksum(other)
    assert function_checksum(one) == function_checksum(kernel)


def test_classes_of_the_package_are_known_by_name():
    assert class_checksum(CurveProblem) == class_checksum(PoissonProblem)
    assert class_checksum(CurveProblem) != class_checksum(waiting_times(1.0))
