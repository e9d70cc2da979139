"""Many galaxies at once: one table, errors kept, the same numbers for any number of workers."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from astropy import units as u
from astropy.table import QTable, Table

import astrokit as ak
from astrokit.bars import GalaxyMaps, geometry_of, pattern_speeds, simulate_galaxy
from astrokit.errors import InputError


@pytest.fixture(scope="module")
def galaxies():
    return {f"toy {k}": simulate_galaxy(seed=k, inclination=40 + 5 * k) for k in range(4)}


@pytest.fixture(scope="module")
def sample(galaxies):
    return pattern_speeds(galaxies, n_draws=200, seed=7)


def test_each_row_is_what_the_galaxy_gives_alone(galaxies, sample):
    seeds = np.random.SeedSequence(7).spawn(len(galaxies))
    with ak.provenance.quiet():
        alone = ak.bars.pattern_speed(galaxies["toy 2"], n_draws=200, seed=seeds[2])
    row = sample.table[2]
    for name in ("pattern_speed", "corotation_radius", "bar_radius", "ratio"):
        estimate = getattr(alone, name)
        for end, value in (("", estimate.value), ("_lower", estimate.lower)):
            got = row[name + end]
            assert float(getattr(got, "value", got)) == value
    assert row["p_fast"] == alone.class_probabilities["fast"]
    assert row["n_slits"] == len(alone.slits)
    assert row["flags"].split() == [flag.name for flag in alone.flags]
    assert sample.provenance.citations == alone.provenance.citations


def test_workers_of_any_kind_and_number_give_the_same_table(galaxies, sample):
    with ThreadPoolExecutor(2) as threads:
        other = pattern_speeds(galaxies, n_draws=200, seed=7, executor=threads)
    for name in ("pattern_speed", "ratio", "p_slow"):
        np.testing.assert_array_equal(other.column(name), sample.column(name))


def read_row(row):
    """Return a toy for a row of a table; at the top level, so that processes find it."""
    if row["seed"] < 0:
        raise OSError("the file is damaged")
    galaxy = simulate_galaxy(seed=int(row["seed"]))
    return galaxy._copy(geometry=None)


def catalogue():
    n = 3
    return QTable(
        {
            "name": ["a", "b", "c"],
            "seed": [1, -1, 3],
            "position_angle": np.full(n, 30.0) * u.deg,
            "position_angle_error": np.full(n, 1.5) * u.deg,
            "inclination": np.full(n, 50.0) * u.deg,
            "inclination_error": [2.0, 2.0, np.nan] * u.deg,
            "bar_position_angle": np.full(n, 75.0) * u.deg,
            "bar_radius": np.full(n, 5.5) * u.arcsec,
            "redshift": [0.02, 0.02, 0.03],
        }
    )


def test_a_table_brings_geometry_and_distance_and_errors_stay_in_their_rows():
    with ProcessPoolExecutor(1) as pool:
        sample = pattern_speeds(catalogue(), maps=read_row, n_draws=50, seed=1, executor=pool)
    assert list(sample.table["name"]) == ["a", "b", "c"]
    assert sample.table["error"][1] == "OSError: the file is damaged"
    assert list(sample.failures) == ["b"]
    assert np.isnan(sample.column("pattern_speed")).tolist() == [False, True, False]
    kpc = sample.table["pattern_speed_kpc"][0].to_value("km / (s kpc)")
    arcsec = sample.table["pattern_speed"][0].to_value("km / (s arcsec)")
    # Planck 2018: 0.4192 kpc/arcsec at z = 0.02 (Wright's calculator, H0 67.7, Omega_m 0.310).
    assert arcsec / kpc == pytest.approx(0.4192, rel=2e-3)
    assert "2 of 3 galaxies" in repr(sample)
    assert "1 failed" in repr(sample)


def test_geometry_of_a_row():
    row = {"position_angle": 30 * u.deg, "inclination": 50.0, "inclination_error": np.nan}
    row |= {"bar_radius": np.nan, "center_x": 0.5, "center_x_error": 0.1}
    g = geometry_of(row)
    assert g.bar_radius is None
    assert g.errors["inclination"] == 0
    assert (g.center_x.value, g.center_x.error, g.center_y.value) == (0.5, 0.1, 0.0)
    assert geometry_of({"redshift": 0.02}) is None
    masked = Table({"position_angle": np.ma.array([3.0], mask=[True]), "inclination": [50.0]})
    with pytest.raises(InputError, match="needs a position angle"):
        geometry_of({name: masked[name][0] for name in masked.colnames})


def test_names_come_from_the_maps_or_are_made(galaxies):
    pair = [galaxies["toy 0"], galaxies["toy 1"]]
    sample = pattern_speeds(pair, n_draws=20, seed=1)
    assert list(sample.table["name"]) == ["toy galaxy 0", "toy galaxy 1"]


def test_medians_and_fractions_of_a_sample(sample):
    ratio = sample.column("ratio")
    median = sample.median("ratio")
    assert median.value == np.median(ratio)
    assert ratio.min() <= median.interval[0] <= median.value <= median.interval[1] <= ratio.max()
    assert sum(sample.expected_fractions().values()) == pytest.approx(1)
    assert sample.class_counts().total == 4
    assert sample.median("pattern_speed").unit == u.Unit("km / (s arcsec)")
    with pytest.raises(InputError, match="no such column"):
        sample.column("speed")


def test_the_error_of_a_median_covers(sample):
    """68.3 % of intervals of order statistics hold the truth, from below by their steps."""
    rng = np.random.default_rng(2)
    inside = 0
    n_trials, n = 800, 101
    for _ in range(n_trials):
        table = QTable({"ratio": rng.exponential(size=n)})
        made = ak.bars.PatternSpeedSample(table, {}, sample.provenance).median("ratio")
        inside += made.interval[0] <= np.log(2) <= made.interval[1]
    error = np.sqrt(0.6827 * 0.3173 / n_trials)
    # Ranks are whole numbers: for n = 101 the interval of ranks holds 0.68 to 0.73.
    assert 0.68 - 4 * error < inside / n_trials < 0.73 + 4 * error


@pytest.mark.parametrize(
    ("catalogue_of", "message"),
    [
        (lambda g: [], "catalogue is empty"),
        (lambda g: g["toy 0"], "catalogue is not understood"),
        (lambda g: 3, "catalogue is not understood"),
        (lambda g: Table({"name": ["a"]}), "a way from a row to its maps"),
    ],
)
def test_bad_catalogues_say_what_is_wrong(galaxies, catalogue_of, message):
    with pytest.raises(InputError, match=message):
        pattern_speeds(catalogue_of(galaxies))


def test_repeated_names_and_rows_without_maps(galaxies):
    table = Table({"name": ["a", "a"]})
    with pytest.raises(InputError, match="names of galaxies repeat"):
        pattern_speeds(table, maps=lambda row: galaxies["toy 0"])
    flat = GalaxyMaps([1.0, 1], [-1.0, 1], x=[-1, 1], y=[0, 0])
    sample = pattern_speeds({"no geometry": flat, "nothing": None}, n_draws=20, seed=1)
    assert "have no geometry" in sample.table["error"][0]
    assert "no maps came" in sample.table["error"][1]
    assert np.isnan(sample.median("ratio").value)


def test_a_sample_in_which_all_fail_has_no_fractions(galaxies):
    along = galaxies["toy 0"].geometry.position_angle.value
    sample = pattern_speeds(
        {"a": galaxies["toy 0"].with_geometry(bar_position_angle=along)}, n_draws=20, seed=1
    )
    assert all(np.isnan(share) for share in sample.expected_fractions().values())


def test_a_data_frame_is_a_table_and_a_path_is_not(galaxies):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"name": ["toy 0"], "redshift": [0.03]})
    sample = pattern_speeds(frame, maps=lambda row: galaxies[row["name"]], n_draws=20, seed=1)
    assert sample.failures == {}
    assert np.isfinite(sample.column("pattern_speed_kpc")).all()
    with pytest.raises(InputError, match=r"Table\.read"):
        pattern_speeds("sample.fits")
