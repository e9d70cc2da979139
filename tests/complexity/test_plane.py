"""The H-C plane: limits, zones, noise, probabilities, figures."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest

import astrokit as ak
from astrokit.complexity import (
    coloured_noise,
    exact_noise_probabilities,
    fractional_brownian_motion,
    fractional_gaussian_noise,
    hc,
    noise_reference,
    ordinal_counts,
    plane,
)
from astrokit.complexity.entropies import jensen_complexity, normalized_entropy
from astrokit.complexity.measures import HC
from astrokit.errors import InputError
from tests.conftest import real_file
from tests.reference import complexity_patterns as reference

# n: entropies of periodic series, and the largest complexity at them (None: not tabulated).
BOUNDARIES = {
    4: (0.218104291986, 0.724526775162, None, None),
    5: (0.144782950614, 0.551240079650, 0.140803118327, 0.417096136203),
    6: (0.105353505775, 0.439316217721, None, None),
    7: (0.081306048203, 0.362578762142, None, None),
}


@pytest.mark.parametrize("n", BOUNDARIES)
def test_boundaries_of_the_zones(n):
    low, high, c_low, c_high = BOUNDARIES[n]
    p = plane(n=n)
    np.testing.assert_allclose(p.periodic_entropies, (low, high), atol=1e-12)
    if c_low is not None:
        np.testing.assert_allclose(p.chord, ((low, c_low), (high, c_high)), atol=1e-12)


def test_the_peak_of_the_maximum_curve():
    H, C = plane(n=5).vertices
    k = int(np.argmax(C))
    assert k + 1 == 19
    np.testing.assert_allclose((H[k], C[k]), (0.615027479, 0.424820413463), atol=1e-9)


@pytest.mark.parametrize("n", [3, 4, 5])
def test_vertices_are_those_of_equal_frequencies(n):
    N = math.factorial(n)
    H, C = plane(n=n).vertices
    assert H.size == N
    expected = [reference.entropy_and_complexity(np.full(k, 1 / k), N) for k in range(1, N + 1)]
    np.testing.assert_allclose(np.array([H, C]).T, expected, atol=1e-10)


@pytest.mark.parametrize("n", [3, 4, 5])
def test_all_distributions_lie_between_the_limits(n):
    """Random distributions of any concentration stay inside; those of the limits are on them."""
    rng = np.random.default_rng(1)
    N, p = math.factorial(n), plane(n=n)
    for alpha in (0.02, 0.1, 1.0, 10.0):
        points = rng.dirichlet(np.full(N, alpha), 300)
        H, C = normalized_entropy(points, N), jensen_complexity(points, N)
        assert np.all(p.minimum(H) <= C + 1e-9)
        assert np.all(p.maximum(H) >= C - 1e-9)
    for k in (1, 2, N // 2, N - 1):
        for extra in rng.uniform(0, 1 / (k + 1), 5):
            q = np.zeros(N)
            q[:k], q[k] = (1 - extra) / k, extra
            H, C = normalized_entropy(q, N), jensen_complexity(q, N)
            assert float(p.maximum(H)) == pytest.approx(float(C), abs=1e-10)
    for top in rng.uniform(1 / N, 1, 20):
        q = np.full(N, (1 - top) / (N - 1))
        q[0] = top
        H, C = normalized_entropy(q, N), jensen_complexity(q, N)
        assert float(p.minimum(H)) == pytest.approx(float(C), abs=1e-10)


def test_limits_are_the_extremes_found_by_a_search():
    """Nelder-Mead over distributions of n = 3 finds no smaller and no larger complexity."""
    from scipy.optimize import minimize

    p, N = plane(n=3), 6

    def point(z):
        q = np.exp(z - z.max())
        q /= q.sum()
        return float(normalized_entropy(q, N)), float(jensen_complexity(q, N))

    def cost(z, H, sign):
        h, c = point(z)
        return sign * c + 300 * (h - H) ** 2

    rng = np.random.default_rng(2)
    for H in (0.3, 0.6, 0.9):
        for sign, limit in ((1, p.minimum), (-1, p.maximum)):
            found = [
                minimize(
                    cost,
                    rng.normal(0, 3, N),
                    args=(H, sign),
                    method="Nelder-Mead",
                    options={"maxiter": 4000, "maxfev": 4000},
                )
                for _ in range(4)
            ]
            h, c = point(min(found, key=lambda f: f.fun).x)
            assert sign * (c - float(limit(h))) > -1e-9
            assert abs(c - float(limit(h))) < 0.02


@pytest.mark.parametrize("n", [8, 20])
def test_planes_of_any_size(n):
    p = plane(n=n)
    H, C = p.vertices
    assert H[0] == 0
    assert H[-1] == pytest.approx(1)
    assert np.all(np.isfinite(C))
    np.testing.assert_allclose(p.maximum(H[1:-1]), C[1:-1], atol=1e-9)
    assert p.minimum(0.5) < p.maximum(0.5)
    assert p.zone(0.99, 0.01) == "undefined"


def test_zones():
    p = plane(n=5)
    (h0, c0), (h1, c1) = p.chord
    middle, chord = 0.5 * (h0 + h1), 0.5 * (c0 + c1)
    assert p.zone(0.0, 0.0) == "regular"
    assert p.zone(middle, chord - 1e-6) == "regular"
    assert p.zone(middle, chord + 1e-6) == "periodic"
    assert p.zone(h1, float(p.maximum(h1))) == "complex"
    assert p.zone(1.0, 0.0) == "stochastic"
    boundary = float(p.complex_boundary(0.8))
    assert p.zone(0.8, boundary + 1e-6) == "complex"
    assert p.zone(0.8, boundary - 1e-6) == "stochastic"
    assert plane(n=3).zone(0.9, 0.1) == "undefined"
    with pytest.raises(InputError, match="no boundary"):
        plane(n=3).complex_boundary(0.5)
    with pytest.raises(InputError, match="0 to 1"):
        p.minimum(1.2)
    assert p.contains(0.6, 0.3)
    assert not p.contains(0.6, 0.5)
    assert not p.contains(1.1, 0.0)


# -- noise -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hurst", [0.1, 0.5, 0.9])
def test_exact_probabilities_of_three_samples(hurst):
    """p(123) = p(321) = arcsin(2^(h-1))/pi (Bandt & Shiha 2007); the others share the rest."""
    p = exact_noise_probabilities("fBm", hurst, n=3)
    rising = math.asin(2 ** (hurst - 1)) / math.pi
    np.testing.assert_allclose(p[[0, 5]], rising, rtol=1e-12)
    np.testing.assert_allclose(p[1:5], (1 - 2 * rising) / 4, rtol=1e-12)


@pytest.mark.parametrize("process", ["fBm", "fGn"])
@pytest.mark.parametrize("n", [3, 4])
def test_exact_probabilities_meet_simulations(process, n):
    make = fractional_brownian_motion if process == "fBm" else fractional_gaussian_noise
    for hurst, delay in ((0.3, 1), (0.6, 3)):
        expected = exact_noise_probabilities(process, hurst, n=n, delay=delay)
        shares = np.array(
            [
                ordinal_counts(make(20_000, hurst=hurst, seed=s), n=n, delay=delay).dense()
                for s in range(24)
            ],
            dtype=float,
        )
        shares /= shares.sum(axis=1, keepdims=True)
        error = shares.std(axis=0, ddof=1) / math.sqrt(24)
        # The largest of 24 t-distributed deviations with 23 degrees of freedom.
        assert np.max(np.abs(shares.mean(axis=0) - expected) / error) < 5.5
        assert expected.sum() == pytest.approx(1)


def test_the_table_meets_the_independent_one():
    with real_file("hc-fbm").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    deviations = []
    for row in rows:
        n, N = int(row["n"]), math.factorial(int(row["n"]))
        own = noise_reference(row["process"], n=n)
        i = int(np.argmin(np.abs(own.hurst - float(row["hurst"]))))
        assert own.hurst[i] == pytest.approx(float(row["hurst"]))
        # That table keeps the bias of finite series, about (N - 1)/(2 M ln N) in H.
        bias = (N - 1) / (2 * float(row["N"]) * math.log(N))
        error = math.hypot(float(row["H_sem"]), own.entropy_error[i])
        difference = float(row["H_mean"]) - own.entropy[i]
        # With 8 realisations per row the errors themselves are known to a quarter only.
        deviations.append((abs(difference + bias) - 0.3 * bias) / error)
    assert len(deviations) == 72
    assert max(deviations) < 6
    assert np.mean(np.array(deviations) < 2) > 0.85


@pytest.mark.parametrize("n", [3, 4])
def test_the_shipped_rows_agree_with_the_exact_ones(n):
    from astrokit.complexity.noise_reference import _rows

    for process in ("fBm", "fGn"):
        exact = noise_reference(process, n=n)
        _, columns = _rows(process, n)
        pull = (columns[0] - exact.entropy) / columns[1]
        # Long memory at large Hurst exponents makes the scatter of 48 realisations not normal.
        assert np.abs(pull[exact.hurst < 0.8]).max() < 4.5
        assert not exact.entropy_error.any()


def test_noise_references_are_asked_properly():
    own = noise_reference("fGn", n=5)
    assert own.slope[0] == pytest.approx(2 * own.hurst[0] - 1)
    h, c = own.at(0.5)
    assert h == pytest.approx(1, abs=2e-5)
    assert c == pytest.approx(0, abs=4e-5)
    assert "39 Hurst exponents, simulated" in str(own)
    for call, words in (
        (lambda: noise_reference("pink"), "fBm, fGn"),
        (lambda: noise_reference(n=8), "3 to 7"),
        (lambda: own.at(0.999), "out of range"),
        (lambda: exact_noise_probabilities("fBm", 0.5, n=5), "3 and 4"),
        (lambda: exact_noise_probabilities("fBm", 1.0), "between 0 and 1"),
        (lambda: exact_noise_probabilities("x", 0.5), "fBm, fGn"),
    ):
        with pytest.raises(InputError, match=words):
            call()


def test_noise_is_stochastic_and_chaos_is_complex():
    for slope in (-1.0, 0.0, 1.0, 1.5, 2.0):
        assert hc(coloured_noise(20_000, slope=slope, seed=1)).zone == "stochastic"
    from astrokit.complexity import examples

    for chaos in (examples.logistic(20_000), examples.henon(20_000)):
        assert hc(chaos.x).zone == "complex"


# -- probabilities ---------------------------------------------------------------------------------


def test_probabilities_follow_the_errors():
    r = hc(fractional_brownian_motion(4000, hurst=0.5, seed=1))
    p = plane(n=5)
    boundary = float(p.complex_boundary(0.7))
    at = {"entropy": ak.Estimate(0.7, 1e-5), "complexity": ak.Estimate(boundary, 1e-2)}
    on_edge = HC(**{**vars(r), **at, "covariance": ((1e-10, 0.0), (0.0, 1e-4))})
    chances = p.classify(on_edge, seed=1)
    assert set(chances) == {"complex", "stochastic"}
    assert abs(chances["complex"] - 0.5) < 4 * math.sqrt(0.25 / 4000)
    assert chances == p.classify(on_edge, seed=1)
    with pytest.raises(InputError, match="another n"):
        plane(n=4).classify(r)


# -- figures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 4, 5, 7, 9])
def test_the_plane_is_drawn_for_any_n(n):
    ax = plane(n=n).plot()
    assert ax.get_ylabel() == "Statistical complexity C"
    drawn = {text.get_text() for text in ax.texts}
    assert ("regular" in drawn) == (n > 3)
    assert ("complex" in drawn) == (4 <= n <= 7)


def test_results_are_drawn_at_their_corrected_points():
    r = hc(fractional_brownian_motion(5000, hurst=0.5, seed=1))
    ax = r.plot(color="navy")
    points = [line for line in ax.lines if line.get_marker() == "o"]
    assert points[0].get_xdata()[0] == pytest.approx(r.corrected_point[0])
    assert np.array_equal(r.plot_data()[0], r.corrected_point)
    short = hc([4, 7, 9, 10, 6, 11, 3], n=4)
    ax = plane(n=4).plot(short, (0.6, 0.3), labels=["short", "free"])
    assert ax.get_legend() is not None
    with pytest.raises(InputError, match="differ in number"):
        plane(n=4).plot(short, labels=[])
    with pytest.raises(InputError, match="another n"):
        plane(n=5).plot(short)
    assert isinstance(ak.complexity.plane(n=5).plot_data().maximum[0], np.ndarray)
