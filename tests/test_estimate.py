"""How numbers are printed, converted and tabulated."""

from __future__ import annotations

import json
import math
import pickle

import pytest
from astropy import units as u
from hypothesis import given
from hypothesis import strategies as st

from astrokit import Estimate, estimates_table
from astrokit.errors import InputError, UnitError


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.259879, 0.000654), "0.2599 +/- 0.0007"),
        (Estimate(2.8, 0.4, 0.2), "2.8 +0.2 -0.4"),
        (Estimate(2.1348, 0.084, name="slope"), "slope = 2.13 +/- 0.08"),
        (Estimate(2.1348, 0.14), "2.13 +/- 0.14"),
        (Estimate(1234.5, 67.0), "1234 +/- 67"),
        (Estimate(5.4e-4, 1.2e-4, unit="Hz"), "(5.4 +/- 1.2)e-04 Hz"),
        (Estimate(1.622e38, 3e37, unit="erg"), "(1.6 +/- 0.3)e+38 erg"),
        (Estimate(0.0, 0.02), "0.00 +/- 0.02"),
        (Estimate(-0.5, 0.1), "-0.50 +/- 0.10"),
        (Estimate(3.0), "3 (no error)"),
        (Estimate(0.03, limit="upper", level=0.95), "< 0.03 (95 % confidence)"),
        (Estimate(0.03, limit="lower", level=0.9, name="Fvar"), "Fvar > 0.03 (90 % confidence)"),
        (Estimate(2.0, 0.5, level=0.9), "2.0 +/- 0.5 (90 %)"),
        (Estimate(18.49, 0.0), "18.49 +/- 0"),
    ],
)
def test_prints_as_astronomers_write(estimate: Estimate, text: str) -> None:
    assert str(estimate) == text


@pytest.mark.parametrize(
    ("estimate", "latex"),
    [
        (Estimate(0.259879, 0.000654), r"$0.2599 \pm 0.0007$"),
        (Estimate(2.8, 0.4, 0.2, name="slope"), r"$\mathrm{slope} = 2.8^{+0.2}_{-0.4}$"),
        (
            Estimate(5.4e-4, 1.2e-4, unit="Hz"),
            r"$\left(5.4 \pm 1.2\right) \times 10^{-4}\;\mathrm{Hz}$",
        ),
        (Estimate(0.03, limit="upper", level=0.95), "$< 0.03$"),
    ],
)
def test_latex_for_notebooks(estimate: Estimate, latex: str) -> None:
    assert estimate._repr_latex_() == latex


@pytest.mark.parametrize(
    ("estimate", "html"),
    [
        (Estimate(0.259879, 0.000654, name="Fvar"), "0.2599 \u00b1 0.0007"),
        (Estimate(-2.8, 0.4, 0.2), "\u22122.8<sup>+0.2</sup><sub>\u22120.4</sub>"),
        (Estimate(5.4e-4, 1.2e-4, unit="Hz"), "(5.4 \u00b1 1.2) \u00d7 10<sup>\u22124</sup> Hz"),
        (Estimate(0.03, limit="upper", level=0.95), "&lt; 0.03 (95 % confidence)"),
        (Estimate(3.0, unit="ct / s"), "3 ct / s"),
    ],
)
def test_html_for_tables(estimate: Estimate, html: str) -> None:
    assert estimate.to_html() == html


def test_format_gives_the_bare_value_with_a_spec() -> None:
    assert f"{Estimate(2.1348, 0.084):.2f}" == "2.13"
    assert f"{Estimate(2.1348, 0.084)}" == "2.13 +/- 0.08"
    assert float(Estimate(2.5, 0.1)) == 2.5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lower": -0.1}, "lower error is negative"),
        ({"lower": 0.1, "upper": -0.1}, "upper error is negative"),
        ({"level": 68}, "level must be a probability"),
        ({"limit": "maximum"}, "limit is unknown"),
        ({"unit": "parsnip"}, "not a unit"),
    ],
)
def test_impossible_fields_are_refused(fields: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Estimate(1.0, **fields)


def test_converts_units_with_its_errors() -> None:
    e = Estimate(2.0, 0.5, 0.25, unit="ks").to("s")
    assert (e.value, e.lower, e.upper) == (2000.0, 500.0, 250.0)
    assert e.quantity == 2000 * u.s
    with pytest.raises(UnitError):
        Estimate(2.0, unit="s").to("m")


def test_interval_and_mean_error() -> None:
    e = Estimate(2.0, 0.4, 0.2)
    assert e.interval == (1.6, 2.2)
    assert e.error == pytest.approx(0.3, abs=1e-15)


def test_sigma_from_uses_the_facing_errors() -> None:
    # 3-4-5: errors that face each other are 0.3 and 0.4.
    low, high = Estimate(2.0, 9.0, 0.3), Estimate(2.5, 0.4, 9.0)
    assert low.sigma_from(high) == pytest.approx(-1.0, rel=1e-12)
    assert high.sigma_from(low) == pytest.approx(1.0, rel=1e-12)
    assert Estimate(2.0, 0.5).sigma_from(1.0) == pytest.approx(2.0, rel=1e-12)


def test_sigma_from_compares_levels_as_if_normal() -> None:
    # The central 90 % interval of a normal is 1.6449 sigma wide on each side.
    assert Estimate(1.6449, 1.6449, level=0.90).sigma_from(0.0) == pytest.approx(1.6449, rel=1e-4)


@given(st.floats(-1e30, 1e30), st.floats(0, 1e30), st.floats(0, 1e30))
def test_plain_dict_round_trip(value: float, lower: float, upper: float) -> None:
    e = Estimate(value, lower, upper, unit="ct / s", method="test", name="rate")
    assert Estimate(**json.loads(json.dumps(e.as_dict()))) == e
    assert pickle.loads(pickle.dumps(e)) == e


@given(st.floats(1e-12, 1e12), st.floats(1e-3, 1.0), st.floats(1e-3, 1.0))
def test_printed_numbers_stay_within_rounding_of_the_truth(v: float, lo: float, up: float) -> None:
    """Whatever the digits, the printed value differs from the true one by under half an error."""
    e = Estimate(v, lo * v, up * v)
    text = str(e).replace("(", "").replace(")", " ")
    power = float("1" + text.split()[-1]) if "e" in text else 1.0
    printed = float(text.split()[0]) * power
    assert abs(printed - v) <= 0.5 * min(lo, up) * v


def test_table_has_a_row_each() -> None:
    table = estimates_table([Estimate(2.1, 0.1, name="slope"), Estimate(3, unit="Hz", name="f")])
    assert table["name"].tolist() == ["slope", "f"]
    assert table["unit"].tolist() == ["", "Hz"]
    assert math.isnan(table["lower"][1])
    assert len(estimates_table([])) == 0
