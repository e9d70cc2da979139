"""Ordinal networks and images."""

from __future__ import annotations

import math

import numpy as np
import pytest

from astrokit.complexity import image_counts, image_hc, ordinal_network
from astrokit.errors import InputError, NonFiniteError, ShapeError
from tests.reference import complexity_patterns as reference

RNG = np.random.default_rng(1)
X = RNG.standard_normal(500)
IMAGE = RNG.integers(0, 9, (17, 23)).astype(float)


@pytest.mark.parametrize(("n", "delay", "step"), [(3, 1, 1), (3, 2, 5), (4, 1, 4)])
def test_transitions_are_those_counted_one_by_one(n, delay, step):
    x = X.copy()
    x[100] = np.nan
    network = ordinal_network(x, n=n, delay=delay, step=step, missing="drop")
    windows = reference.windows(x, n, delay)
    usable = np.isfinite(windows).all(axis=1)
    codes = reference.codes(np.nan_to_num(x), n, delay)
    nodes, where = np.unique(codes[usable], return_inverse=True)
    numbered = np.zeros(codes.size, int)
    numbered[usable] = where
    expected = reference.transitions(numbered, usable, step, nodes.size)
    assert np.array_equal(network.codes, nodes)
    assert np.array_equal(network.transitions, expected)


def test_a_network_by_hand():
    network = ordinal_network([4, 7, 9, 10, 6, 11, 3], n=2)
    # Patterns: rise rise rise fall rise fall.
    assert network.transitions.tolist() == [[2, 2], [1, 0]]
    np.testing.assert_allclose(network.probabilities, [[0.5, 0.5], [1, 0]])
    np.testing.assert_allclose(network.node_entropies, [math.log(2), 0])
    assert network.global_node_entropy == pytest.approx(0.8 * math.log(2))
    assert network.n_edges == 3
    assert network.to_edges()[0] == ((0, 1), (0, 1), pytest.approx(0.4))
    assert "2 nodes, 3 edges" in str(network)


def test_white_noise_moves_on_at_random_without_overlap():
    network = ordinal_network(RNG.standard_normal(200_000), n=3, step=3)
    assert network.n_edges == 36
    # Entropy of six equal choices, less its bias 5/(2 m) for m transitions from each node.
    assert network.global_node_entropy == pytest.approx(math.log(6), abs=5e-4)


def test_mistakes_of_networks():
    with pytest.raises(ShapeError, match="smaller step"):
        ordinal_network(X[:10], n=3, step=9)
    with pytest.raises(InputError, match="step"):
        ordinal_network(X, step=0)
    with pytest.raises(InputError, match="smaller n"):
        ordinal_network(RNG.standard_normal(20_000), n=10)


# -- images ----------------------------------------------------------------------------------------


def windows_of(image, shape, delay):
    rows, columns = image.shape
    (h, w), (d, r) = shape, delay
    return [
        image[i : i + d * (h - 1) + 1 : d, j : j + r * (w - 1) + 1 : r].ravel()
        for i in range(rows - d * (h - 1))
        for j in range(columns - r * (w - 1))
    ]


@pytest.mark.parametrize(
    ("shape", "delay"), [((2, 2), (1, 1)), ((2, 3), (2, 1)), ((3, 1), (1, 4)), ((3, 3), (1, 2))]
)
def test_windows_of_an_image_are_those_cut_out_one_by_one(shape, delay):
    counts = image_counts(IMAGE, shape=shape, delay=delay)
    expected = {}
    for window in windows_of(IMAGE, shape, delay):
        key = tuple(np.argsort(window, kind="stable").tolist())
        expected[key] = expected.get(key, 0) + 1
    rows = zip(counts.patterns.tolist(), counts.counts.tolist(), strict=True)
    assert {tuple(p): c for p, c in rows} == expected


def test_missing_pixels_drop_their_windows():
    image = IMAGE.copy()
    image[5, 5] = np.nan
    counts = image_counts(image, shape=(2, 3), missing="drop")
    assert counts.n_dropped == 6
    assert counts.n_windows == 16 * 21 - 6
    with pytest.raises(NonFiniteError):
        image_counts(image)


def test_entropy_and_complexity_of_an_image():
    r = image_hc(IMAGE, shape=(2, 2))
    p = r.counts.probabilities
    expected = reference.entropy_and_complexity(p, 24)
    np.testing.assert_allclose((r.entropy, r.complexity), expected, rtol=1e-11)
    assert r.zone == "stochastic"
    assert "windows of 2 x 2 pixels" in str(r)


@pytest.mark.parametrize(
    ("image", "options", "error", "words"),
    [
        (X, {}, ShapeError, "2 dimensions"),
        (IMAGE[:2], {"shape": (3, 2)}, ShapeError, "at least 3 x 2"),
        (IMAGE, {"shape": (1, 1)}, InputError, "2 to 20"),
        (IMAGE, {"shape": (5, 5)}, InputError, "2 to 20"),
        (IMAGE, {"delay": (0, 1)}, InputError, "delay"),
        (IMAGE, {"missing": "span"}, InputError, "raise, drop"),
    ],
)
def test_mistakes_of_images(image, options, error, words):
    with pytest.raises(error, match=words):
        image_counts(image, **options)
