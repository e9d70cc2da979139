"""Figures: the numbers behind them are right, and every figure can be drawn."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import astrokit as ak
from astrokit.bars import (
    GalaxyMaps,
    Geometry,
    Instrument,
    PixelGrid,
    SlitLayout,
    TremaineWeinberg,
    maps_plot_data,
    plot_convergence,
    plot_maps,
    plot_pattern_speed,
    plot_ratio,
    plot_rotation_curve,
    plot_sample,
    plot_slits,
    ratio_plot_data,
    rotation_plot_data,
    sample_plot_data,
    simulate_galaxy,
    slits_plot_data,
)
from astrokit.errors import InputError


@pytest.fixture(scope="module")
def result():
    with ak.provenance.quiet():
        return ak.bars.pattern_speed(simulate_galaxy(seed=1), n_draws=200, seed=1)


@pytest.fixture(scope="module")
def exact():
    galaxy = simulate_galaxy(instrument=Instrument.exact(), position_angle=210)
    galaxy = galaxy.with_geometry(position_angle=30)  # the approaching half
    return TremaineWeinberg(galaxy, layout=SlitLayout(n_slits=5, width=1.0))


def test_pixels_are_drawn_where_they_lie():
    grid = PixelGrid(0.5, angle=30, mirrored=True)
    maps = GalaxyMaps(np.ones((3, 4)), np.arange(12.0).reshape(3, 4), grid=grid)
    d = maps_plot_data(maps)
    assert d.x.shape == (4, 5)
    for corners, centers in ((d.x, maps.x), (d.y, maps.y)):
        middle = (corners[1:, 1:] + corners[:-1, :-1] + corners[1:, :-1] + corners[:-1, 1:]) / 4
        np.testing.assert_allclose(middle.ravel(), centers, atol=1e-12)
    assert d.systemic_velocity == 5.5
    assert d.bar is d.nodes is None


def test_bar_and_slits_are_drawn_along_their_position_angles(exact):
    d = maps_plot_data(exact.maps, exact)
    g = exact.geometry
    for ends, angle, length in (
        (d.bar, g.bar_position_angle.value, 2 * g.bar_radius.value),
        (d.nodes, g.position_angle.value, None),
    ):
        west, north = ends[1] - ends[0]
        assert np.degrees(np.arctan2(-west, north)) % 180 == pytest.approx(angle % 180)
        if length:
            assert np.hypot(west, north) == pytest.approx(length)
    along, across = g.to_line_of_nodes(d.slits[..., 0], d.slits[..., 1])
    np.testing.assert_allclose(across.mean(axis=1), exact.slits.offset, atol=1e-9)
    np.testing.assert_allclose(np.ptp(across, axis=1), exact.slits.width)
    np.testing.assert_allclose(along.max(axis=1), exact.slits.half_length)


def test_the_line_has_the_slope_of_the_pattern_speed(exact, result):
    assert exact.sense == -1
    d = slits_plot_data(exact)
    slope = np.polyfit(d.line_position, d.median, 1)[0]
    assert slope == pytest.approx(20 * exact.sine, rel=1e-3)
    assert np.polyfit(d.position, d.velocity, 1)[0] == pytest.approx(slope, rel=1e-3)
    alone, full = slits_plot_data(result.tw), slits_plot_data(result)
    assert np.ptp([full.lower[0], full.upper[0]]) > np.ptp([alone.lower[0], alone.upper[0]])


def test_rotation_and_pattern_meet_at_corotation(result):
    d = rotation_plot_data(result)
    cross = d.curve_radius[np.argmin(np.abs(d.curve[1] - d.pattern[1])[20:]) + 20]
    step = d.curve_radius[1]
    assert abs(cross - d.corotation_radius[1]) < 0.2 + step  # medians need not commute exactly
    assert d.corotation_radius[0] < result.corotation_radius.value < d.corotation_radius[2]
    assert np.all(np.diff(d.curve, axis=0) >= 0)


def test_the_distribution_of_the_ratio_holds_all_draws(result):
    d = ratio_plot_data(result)
    inside = np.sum(d.density * np.diff(d.edges))
    low = np.mean(result.draws.ratio < d.edges[0])
    assert inside + d.beyond + low == pytest.approx(1)
    assert d.probabilities == result.class_probabilities


def test_every_figure_is_drawn_on_axes_of_the_user_or_its_own(result, exact):
    for plot in (plot_slits, plot_rotation_curve, plot_ratio, plot_convergence):
        assert isinstance(plot(result), mpl.axes.Axes)
        ax = plt.figure().add_subplot()
        assert plot(result, ax) is ax
        assert ax.get_xlabel()
        assert ax.get_ylabel()
    assert plot_slits(exact).get_title()
    axes = plot_maps(exact.maps, result=exact)
    assert [ax.get_title() for ax in axes] == ["flux", "velocity"]
    figure = plot_pattern_speed(result)
    figure.canvas.draw()
    assert len(result.tw.maps.plot()) == 2


def test_maps_without_flux_or_grid_can_be_drawn():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 50))
    points = GalaxyMaps(np.ones(50), 10 * x, x=x, y=y, geometry=Geometry(90, 50))
    plot_maps(points)[0].figure.canvas.draw()
    alone = GalaxyMaps.from_velocity(np.arange(9.0).reshape(3, 3), pixel_scale=1)
    assert plot_maps(alone)[0].get_title() == "no flux"


def test_histograms_count_what_they_leave_out():
    rng = np.random.default_rng(1)
    from astropy.table import QTable

    one = QTable({"ratio": np.r_[rng.uniform(0.5, 2, 98), 50.0, np.nan]})
    two = QTable({"ratio": rng.uniform(1, 3, 50)})
    d = sample_plot_data({"one": one, "two": two}, ("ratio",))
    edges = d.edges[0]
    for label, table in (("one", one), ("two", two)):
        values = table["ratio"][np.isfinite(table["ratio"])]
        outside = d.beyond[label][0] / len(values)
        area = np.sum(d.density[label][0] * np.diff(edges))
        assert area + outside == pytest.approx(1)
        assert d.median[label][0] == np.median(values)
    assert d.beyond["one"][0] >= 1
    axes = plot_sample({"one": one, "two": two}, columns=("ratio",))
    axes[0].figure.canvas.draw()
    with pytest.raises(InputError, match="no such column"):
        sample_plot_data(one, ("speed",))
    with pytest.raises(InputError, match="no number in ratio"):
        sample_plot_data(QTable({"ratio": [np.nan]}), ("ratio",))


def test_a_sample_draws_three_histograms():
    galaxies = {f"toy {k}": simulate_galaxy(seed=k) for k in range(3)}
    sample = ak.bars.pattern_speeds(galaxies, n_draws=50, seed=1)
    axes = sample.plot()
    assert [bool(ax.get_xlabel()) for ax in axes] == [True] * 3
