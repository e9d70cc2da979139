"""Agreement with peccary, ordpy and antropy on random, tied and short series."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from astrokit.complexity import (
    hc,
    image_hc,
    ordinal_network,
    permutation_entropy,
    weighted_entropy,
)

RNG = np.random.default_rng(1)
SERIES = {
    "random": RNG.standard_normal(3000),
    "tied": RNG.integers(0, 4, 3000).astype(float),
    "rounded": np.round(RNG.standard_normal(3000), 1),
    "walk": np.cumsum(RNG.standard_normal(3000)),
    "short": RNG.standard_normal(30),
    "tiny": np.array([4.0, 7.0, 9.0, 10.0, 6.0, 11.0, 3.0]),
}
CASES = [(name, n, delay) for name in SERIES for n in (3, 4, 5) for delay in (1, 3)]
CASES = [(s, n, d) for s, n, d in CASES if SERIES[s].size > d * (n - 1)]


def imported(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name)


@pytest.mark.parametrize(("name", "n", "delay"), CASES)
@pytest.mark.filterwarnings("ignore:.*fewer than 25 windows")  # values, not errors
def test_ordpy(name, n, delay):
    ordpy = imported("ordpy")
    x = SERIES[name]
    H, C = ordpy.complexity_entropy(x, dx=n, taux=delay)
    r = hc(x, n=n, delay=delay)
    assert abs(r.entropy.value - H) < 1e-12
    assert abs(r.complexity.value - C) < 1e-12
    weighted = ordpy.weighted_permutation_entropy(x, dx=n, taux=delay)
    assert abs(weighted_entropy(x, n=n, delay=delay) - weighted) < 1e-9


@pytest.mark.parametrize(("name", "n", "delay"), CASES)
def test_antropy(name, n, delay):
    antropy = imported("antropy")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        H = antropy.perm_entropy(SERIES[name], order=n, delay=delay, normalize=True)
    assert abs(permutation_entropy(SERIES[name], n=n, delay=delay) - H) < 1e-12


@pytest.mark.parametrize(("name", "n", "delay"), CASES)
@pytest.mark.filterwarnings("ignore:.*fewer than 25 windows")  # values, not errors
def test_peccary(name, n, delay):
    core = imported("peccary.core")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        H, C = core.peccary(SERIES[name], n=n).calcHC(sampInt=delay)
    r = hc(SERIES[name], n=n, delay=delay)
    assert abs(r.entropy.value - H) < 1e-12
    assert abs(r.complexity.value - C) < 1e-12


@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (2, 3), (3, 2)])
def test_images_of_ordpy(rows, columns):
    ordpy = imported("ordpy")
    image = RNG.integers(0, 50, (40, 30))
    H, C = ordpy.complexity_entropy(image, dx=columns, dy=rows)
    r = image_hc(image, shape=(rows, columns))
    assert abs(r.entropy - H) < 1e-12
    assert abs(r.complexity - C) < 1e-12


def test_networks_of_ordpy():
    ordpy = imported("ordpy")
    x = SERIES["walk"]
    network = ordinal_network(x, n=3)
    theirs = ordpy.global_node_entropy(x, dx=3)
    # Theirs weights nodes by the windows, of which the last starts no transition.
    assert abs(network.global_node_entropy - theirs) < 5 / x.size
