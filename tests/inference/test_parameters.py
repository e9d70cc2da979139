"""Parameters: freedom, ties, vectors, the way to lmfit and back, and refusals by name."""

from __future__ import annotations

import json
import math
import pickle

import numpy as np
import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from astrokit.errors import NonFiniteError, ParameterError, ShapeError, UnitError
from astrokit.inference import LogUniform, Normal, Parameter, Parameters, Uniform


def example():
    return Parameters(
        [
            Parameter("a", 1.0, Uniform(0, 4), unit="Hz", symbol=r"\alpha"),
            Parameter("b", 3.0, fixed=True),
            Parameter("c", 2.0, LogUniform(1e-3, 1e3)),
            Parameter("d", 0.0, tied="2 * a + b"),
        ]
    )


# -- one parameter -------------------------------------------------------------------------------


def test_quantity_is_converted_to_the_unit_of_the_parameter():
    p = Parameter("f", 2 * u.kHz, Uniform(0, 1e4), unit="Hz")
    assert p.value == 2000.0
    with pytest.raises(UnitError, match="f"):
        Parameter("f", 2 * u.s, Uniform(0, 1e4), unit="Hz")


def test_label_for_an_axis():
    assert example()["a"].label == r"$\alpha$ [Hz]"
    assert Parameter("low_slope", 1.0, Uniform(0, 2)).label == "low slope"


def test_scipy_distributions_are_priors():
    p = Parameter("a", 0.3, stats.beta(2, 3))
    assert p.prior.support == (0.0, 1.0)
    assert Parameter.from_dict(json.loads(json.dumps(p.as_dict()))).prior.logpdf(
        0.3
    ) == pytest.approx(stats.beta(2, 3).logpdf(0.3))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Parameter("2a", 1.0, Uniform(0, 2)), "identifier"),
        (lambda: Parameter("a", 1.0), "no prior"),
        (lambda: Parameter("a", 3.0, Uniform(0, 2)), "outside its prior"),
        (lambda: Parameter("a", 1.0, fixed=True, tied="b"), "both fixed and tied"),
        (lambda: Parameter("a", 1.0, (0, 2)), "not a distribution"),
        (lambda: Parameters([]), "at least one"),
        (lambda: Parameters([Parameter("a", 1.0, fixed=True)] * 2), "repeated"),
        (lambda: example().tie(c="zz + 1"), "not a parameter"),
        (lambda: example().tie(a="d", d="a"), "circle"),
        (lambda: example().tie(c="1 / (a - 1)"), "not finite"),
        (lambda: example()["aa"], "no such parameter"),
        (lambda: example().replace("z", value=1.0), "no such parameter"),
        (lambda: example().fix(z=1.0), "no such parameter"),
    ],
)
def test_refusals_name_the_parameter(make, words):
    with pytest.raises(ParameterError, match=words):
        make()


def test_one_parameter_needs_no_list():
    level = Parameter("level", 1.0, Uniform(0, 2))
    assert Parameters(level) == Parameters([level])


def test_a_name_that_is_no_text_is_refused():
    with pytest.raises(ParameterError, match=r"no such parameter \(got 0; allowed: level\)"):
        Parameters(Parameter("level", 1.0, Uniform(0, 2)))[0]


def test_a_tie_that_is_no_expression_is_refused():
    free = Parameter("level", 1.0, Uniform(0, 2))
    with pytest.raises(ParameterError, match=r"not an expression.*2 \*"):
        Parameters([free, Parameter("other", 1.0, tied="2 *")])


def test_nan_is_no_value():
    with pytest.raises(NonFiniteError, match="a must be a number"):
        Parameter("a", math.nan, Uniform(0, 2))


# -- vectors -------------------------------------------------------------------------------------


def test_free_fixed_and_tied():
    p = example()
    assert p.names == ("a", "b", "c", "d")
    assert p.free_names == ("a", "c")
    assert p.free_index.tolist() == [0, 2]
    assert p.values.tolist() == [1.0, 3.0, 2.0, 5.0]
    assert p.bounds.tolist() == [[0, 4], [1e-3, 1e3]]
    assert p.has_ties
    assert "a" in p
    assert len(p) == 4
    assert [q.name for q in p] == list(p.names)


def test_expand_evaluates_ties_in_a_batch():
    values = example().expand([[0.5, 7.0], [2.0, 8.0]])
    assert values.tolist() == [[0.5, 3.0, 7.0, 4.0], [2.0, 3.0, 8.0, 7.0]]
    assert example().named([0.5, 7.0]) == {"a": 0.5, "b": 3.0, "c": 7.0, "d": 4.0}


@given(st.lists(st.floats(0, 4), min_size=1, max_size=8))
def test_ties_are_what_lmfit_evaluates(a_values):
    p = example()
    theta = np.column_stack([a_values, np.full(len(a_values), 5.0)])
    values = p.expand(theta)
    for row, a in zip(values, a_values, strict=True):
        lm = p.to_lmfit()
        lm["a"].value = a
        assert row[3] == pytest.approx(lm["d"].value, rel=1e-14, abs=1e-14)


def test_chains_of_ties_in_any_order():
    p = Parameters(
        [
            Parameter("x", 0.0, tied="y + 1"),
            Parameter("y", 0.0, tied="exp(z)"),
            Parameter("z", 0.0, Uniform(-1, 1)),
        ]
    )
    assert p.expand([[0.5]])[0].tolist() == pytest.approx([math.exp(0.5) + 1, math.exp(0.5), 0.5])


def test_wrong_shape_names_the_columns():
    with pytest.raises(ShapeError, match="a, c"):
        example().expand([[1.0, 2.0, 3.0]])
    with pytest.raises(ShapeError, match="a, c"):
        example().log_prior(np.zeros((2, 2, 2)))


def test_log_prior_is_the_sum_of_the_densities():
    theta = [[1.0, 2.0], [5.0, 2.0], [1.0, 2e3]]
    expected = stats.uniform(0, 4).logpdf(1.0) + stats.loguniform(1e-3, 1e3).logpdf(2.0)
    values = example().log_prior(theta)
    assert values[0] == pytest.approx(expected)
    assert values[1] == values[2] == -math.inf


def test_prior_draws_are_reproducible_and_inside():
    p = example()
    first, again = (p.sample_prior(np.random.default_rng(4), 500) for _ in range(2))
    assert np.array_equal(first, again)
    assert np.isfinite(p.log_prior(first)).all()
    np.testing.assert_allclose(p.prior_transform([[0.5, 0.5]]), [[2.0, 1.0]], rtol=1e-12)


def test_compiled_priors_need_every_prior():
    assert example().compiled_priors.shape == (2, 7)
    assert example().replace("a", prior=stats.beta(2, 2), value=0.5).compiled_priors is None


# -- changes make copies -------------------------------------------------------------------------


def test_fix_and_tie_leave_the_original_alone():
    p = example()
    fixed = p.fix(a=2.0)
    assert fixed.free_names == ("c",)
    assert fixed.values[0] == 2.0
    assert p.free_names == ("a", "c")
    tied = p.tie(c="a * a")
    assert tied.free_names == ("a",)
    assert tied.expand([[3.0]])[0, 2] == 9.0
    freed = fixed.replace("a", fixed=False)
    assert freed.free_names == ("a", "c")


def test_equality_and_round_trips():
    p = example()
    assert p == example()
    assert p != p.fix(a=1.0)
    assert Parameters.from_list(json.loads(json.dumps(p.as_list()))) == p
    assert pickle.loads(pickle.dumps(p)) == p
    assert "[= 2 * a + b]" in repr(p)
    assert "[fixed]" in repr(p)


# -- lmfit ---------------------------------------------------------------------------------------


def test_to_lmfit_keeps_bounds_values_and_expressions():
    lm = example().to_lmfit()
    assert list(lm) == ["a", "b", "c", "d"]
    assert (lm["a"].min, lm["a"].max) == (0, 4)
    assert [lm[name].vary for name in lm] == [True, False, True, False]
    assert lm["d"].expr == "2 * a + b"
    assert lm["d"].value == 5.0


def test_from_lmfit_makes_uniform_priors():
    import lmfit

    lm = lmfit.Parameters()
    lm.add("a", value=1.0, min=0.0, max=3.0)
    lm.add("b", value=2.0, vary=False)
    lm.add("c", expr="a + b")
    p = Parameters.from_lmfit(lm)
    assert p["a"].prior == Uniform(0.0, 3.0)
    assert p["b"].fixed
    assert p["c"].tied == "a + b"
    assert p.values.tolist() == [1.0, 2.0, 3.0]
    assert Parameters.from_lmfit(example().to_lmfit()).values.tolist() == [1.0, 3.0, 2.0, 5.0]


def test_from_lmfit_refuses_a_free_parameter_without_bounds():
    import lmfit

    lm = lmfit.Parameters()
    lm.add("a", value=1.0)
    with pytest.raises(ParameterError, match=r"parameters\['a'\]"):
        Parameters.from_lmfit(lm)


def test_unbounded_priors_stay_unbounded_in_lmfit():
    lm = Parameters([Parameter("a", 1.0, Normal(0, 1))]).to_lmfit()
    assert (lm["a"].min, lm["a"].max) == (-math.inf, math.inf)


@pytest.mark.parametrize("wrong", [{"slope": 1.0}, ["slope"], [Uniform(0, 1)]])
def test_what_is_no_parameter_is_refused(wrong):
    with pytest.raises(ParameterError, match="made of Parameter objects"):
        Parameters(wrong)
