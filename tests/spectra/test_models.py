"""Spectral models against integrals of their formulas by another method."""

from __future__ import annotations

import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
from astropy import units as u
from astropy.modeling import models as astropy_models
from scipy import special
from scipy.integrate import quad

import astrokit as ak
from astrokit.errors import InputError, ParameterError, ShapeError, UnitError
from astrokit.inference import Normal, Parameter, Uniform
from astrokit.spectra import (
    AstropyModel,
    BrokenPowerLaw,
    CutoffPowerLaw,
    EnergyFlux,
    EnergyGrid,
    GaussianLine,
    LogParabola,
    PhotonFlux,
    PowerLaw,
    Redshift,
    SmoothlyBrokenPowerLaw,
    TBabs,
    UserModel,
    Wabs,
    ZTBabs,
)
from astrokit.spectra.models import Guide

EDGES = np.array([0.1, 0.3, 0.31, 1.0, 1.5, 3.0, 9.0, 9.01, 60.0])
LN10 = math.log(10.0)


def integrals(density, breaks=()):
    return np.array(
        [
            quad(
                density,
                a,
                b,
                epsabs=0,
                epsrel=1e-12,
                limit=500,
                points=[x for x in breaks if a < x < b] or None,
            )[0]
            for a, b in pairwise(EDGES)
        ]
    )


CASES = [
    *(
        (PowerLaw(), [index, 2.0], lambda E, G=index: 2.0 * E**-G)
        for index in (-1.0, 0.5, 1.0, 1 + 1e-9, 2.3, 8.0)
    ),
    (PowerLaw(pivot=3.0), [1.7, 2.0], lambda E: 2.0 * (E / 3.0) ** -1.7),
    (
        BrokenPowerLaw(),
        [1.3, 2.7, 1.2, 2.0],
        lambda E: 2.0 * E**-1.3 if E < 1.2 else 2.0 * 1.2**1.4 * E**-2.7,
    ),
    (
        BrokenPowerLaw(),  # K stands for the low branch although the break is below 1 keV
        [1.3, 2.7, 0.5, 2.0],
        lambda E: 2.0 * E**-1.3 if E < 0.5 else 2.0 * 0.5**1.4 * E**-2.7,
    ),
    (LogParabola(), [2.1, 0.4, 2.0], lambda E: 2.0 * E ** (-2.1 - 0.4 * math.log10(E))),
    (
        LogParabola(pivot=5.0),
        [2.1, -0.9, 2.0],
        lambda E: 2.0 * (E / 5) ** (-2.1 + 0.9 * math.log10(E / 5)),
    ),
    (CutoffPowerLaw(), [1.2, 5.0, 2.0], lambda E: 2.0 * E**-1.2 * math.exp(-E / 5)),
    (
        SmoothlyBrokenPowerLaw(),
        [1.3, 2.7, 1.2, 0.1, 2.0],
        lambda E: 2.0 * E**-1.3 * (1 + (E / 1.2) ** 10) ** -0.14,
    ),
]


@pytest.mark.parametrize(("model", "values", "density"), CASES)
def test_integral_over_bins(model, values, density):
    breaks = [v for n, v in zip(model.names, values, strict=True) if n == "break_energy"]
    got = model.photons(EnergyGrid.from_edges(EDGES), values)[0]
    np.testing.assert_allclose(got, integrals(density, breaks), rtol=2e-12)


@pytest.mark.parametrize(("model", "values", "density"), CASES)
def test_density_is_the_formula(model, values, density):
    at = np.array([0.2, 0.8, 2.0, 7.0])
    got = model.density(at, **dict(zip(model.names, values, strict=True)))
    np.testing.assert_allclose(got, [density(e) for e in at], rtol=1e-8)


def test_log_parabola_against_the_error_function():
    """With x = ln E the integral is that of a Gaussian, for positive curvature."""
    a, b, K = 2.2, 0.5, 3.0
    c = b / LN10
    shift, top = (1 - a) / (2 * c), (1 - a) ** 2 / (4 * c)
    z = math.sqrt(c) * (np.log(EDGES) - shift)
    closed = K * math.exp(top) * math.sqrt(math.pi / c) / 2 * np.diff(special.erf(z))
    got = LogParabola().evaluate(EDGES, alpha=a, beta=b, norm=K)
    np.testing.assert_allclose(got, closed, rtol=1e-10)


def test_cutoff_power_law_against_the_incomplete_gamma_function():
    G, Ec = 0.6, 4.0
    closed = Ec ** (1 - G) * special.gamma(1 - G) * np.diff(special.gammainc(1 - G, EDGES / Ec))
    got = CutoffPowerLaw().evaluate(EDGES, PhoIndex=G, HighECut=Ec, norm=1.0)
    np.testing.assert_allclose(got, closed, rtol=1e-11)


def test_gaussian_line_against_the_normal_distribution():
    from scipy.stats import norm

    got = GaussianLine().evaluate(EDGES, line_energy=1.1, line_width=0.3, normalization=2.0)
    expected = 2.0 * np.diff(norm.cdf(EDGES, 1.1, 0.3))
    inside = EDGES[1:] < 3.5
    np.testing.assert_allclose(got[inside], expected[inside], rtol=1e-9)
    assert got.sum() == pytest.approx(2.0 * (1 - norm.cdf(0.1, 1.1, 0.3)), rel=1e-12)


def test_line_of_no_width_falls_into_one_bin():
    got = GaussianLine().evaluate(EDGES, line_energy=1.2, line_width=0.0, normalization=2.0)
    assert got.tolist() == [0, 0, 0, 2.0, 0, 0, 0, 0]


def test_smooth_break_becomes_the_sharp_one():
    common = {"low_photon_index": 1.5, "high_photon_index": 2.5, "break_energy": 2.0}
    sharp = BrokenPowerLaw().evaluate(EDGES, normalization=1.0, **common)
    smooth = SmoothlyBrokenPowerLaw().evaluate(EDGES, break_width=1e-4, normalization=1.0, **common)
    np.testing.assert_allclose(smooth, sharp, rtol=1e-4)


def test_curvature_with_the_natural_logarithm():
    natural = LogParabola.curvature_to_natural(0.136534)
    assert natural == pytest.approx(0.136534 / math.log(10), rel=1e-15)
    assert LogParabola.curvature_from_natural(natural) == pytest.approx(0.136534, rel=1e-15)
    e = 7.0
    expected = e ** (-2.0 - natural * math.log(e))
    got = LogParabola().density([e], alpha=2.0, beta=0.136534, norm=1.0)[0]
    assert got == pytest.approx(expected, rel=1e-9)


# -- derivatives -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "values"),
    [
        *((model, values) for model, values, _ in CASES),
        (GaussianLine(), [1.1, 0.3, 2.0]),
        (TBabs() * (PowerLaw() + GaussianLine()), [0.2, 1.8, 1e-3, 1.3, 0.2, 1e-3]),
        (TBabs() * Redshift() * (PowerLaw() + GaussianLine()), [0.2, 0.1, 1.8, 1, 1.3, 0.2, 1]),
        (ZTBabs(redshift=Uniform(0, 1)) * PowerLaw(), [0.2, 0.1, 1.8, 1e-3]),
    ],
)
def test_derivatives_are_differences(model, values):
    grid = EnergyGrid.from_edges(EDGES)
    values = np.array(values, dtype=float)
    got = model.photons_and_derivatives(grid, values)
    np.testing.assert_allclose(got[0], model.photons(grid, values)[0], rtol=1e-13)
    for j in range(values.size):
        step = 1e-4 * abs(values[j])
        points = np.repeat(values[None, :], 4, axis=0)
        points[:, j] += step * np.array([1, -1, 2, -2])
        f = model.photons(grid, points)
        slope = (8 * (f[0] - f[1]) - (f[2] - f[3])) / (12 * step)
        rounding = 1e-11 * np.abs(f).max() / step
        atol = max(1e-8 * np.abs(slope).max(), rounding)
        np.testing.assert_allclose(got[1 + j], slope, rtol=1e-6, atol=atol)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (PowerLaw(), [1.7, 2.0]),
        (PowerLaw(pivot=3.0), [-2.5, 2.0]),
        (BrokenPowerLaw(), [1.5, 3.1, 1.2, 1e-3]),
        (BrokenPowerLaw(), [1.0, 2.0, 0.01, 1e-3]),
        (Redshift(redshift=0.3) * BrokenPowerLaw(), [0.3, 1.5, 3.1, 1.2, 1e-3]),
    ],
)
def test_narrow_bins_add_up_to_wide_ones(model, values):
    """They are summed as series, wide ones in closed form; derivatives add up as well."""
    parts = 400
    fine = np.concatenate([np.linspace(a, b, parts + 1)[:-1] for a, b in pairwise(EDGES)])
    narrow = EnergyGrid.from_edges(np.append(fine, EDGES[-1]))
    values = np.array(values)
    for form in (model.photons, model.photons_and_derivatives):
        wide = form(EnergyGrid.from_edges(EDGES), values)
        summed = form(narrow, values).reshape(len(wide), -1, parts).sum(axis=2)
        scale = np.abs(wide).max(axis=1, keepdims=True)
        np.testing.assert_allclose(summed / scale, wide / scale, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (CutoffPowerLaw(), [1.5, 3.0, 2.0]),
        (TBabs() * PowerLaw(), [0.2, 1.8, 1e-3]),
        (PowerLaw() + TBabs() * GaussianLine(), [1.8, 1e-3, 0.2, 1.3, 0.2, 1e-3]),
        (TBabs() * Redshift() * (PowerLaw() + GaussianLine()), [0.2, 0.1, 1.8, 1, 1.3, 0.2, 1]),
    ],
)
def test_photons_are_the_sum_of_what_normalisations_bring(model, values):
    block = model.photons_and_derivatives(EnergyGrid.from_edges(EDGES), np.array(values))
    assert [model.names[j].split("_")[0] for j in model.scales] == ["normalization"] * len(
        model.scales
    )
    whole = sum(values[j] * block[1 + j] for j in model.scales)
    np.testing.assert_allclose(whole, block[0], rtol=1e-13)


def test_models_that_promise_no_such_sum():
    level = [Parameter("level", 0.5, Uniform(0, 1))]
    user = UserModel(lambda edges, level: level * np.diff(edges) + 1.0, level)
    assert user.scales == ()
    assert (user + PowerLaw()).scales == ()
    assert (TBabs() * TBabs()).scales == ()


# -- composing ---------------------------------------------------------------------------------


def test_absorption_multiplies_a_sum():
    line = {"line_energy": 2.0, "line_width": 0.1}
    model = Wabs(nh=0.3) * (PowerLaw(photon_index=1.5) + GaussianLine(**line))
    whole = model.evaluate(EDGES, normalization=1.0, normalization_2=0.5)
    law = PowerLaw().evaluate(EDGES, photon_index=1.5, normalization=1.0)
    bump = GaussianLine().evaluate(EDGES, **line, normalization=0.5)
    factor = Wabs(nh=0.3).evaluate(EDGES)
    np.testing.assert_allclose(whole, factor * (law + bump), rtol=1e-13)
    assert model.label == "wabs * (power law + Gaussian line)"


def test_several_factors_and_a_factor_on_the_right():
    both = Wabs(nh=0.3) * TBabs(nh=0.1) * PowerLaw()
    other = TBabs(nh=0.1) * PowerLaw() * Wabs(nh=0.3)
    row = {"photon_index": 2.0, "normalization": 1.0}
    np.testing.assert_allclose(
        both.evaluate(EDGES, **row), other.evaluate(EDGES, **row), rtol=1e-13
    )


def test_redshift_shifts_and_dilutes():
    """N(E) of the observer is that of the source at E (1 + z)."""
    z, G = 0.5, 2.0
    seen = (Redshift(redshift=z) * PowerLaw()).evaluate(EDGES, photon_index=G, normalization=1.0)
    own = PowerLaw().evaluate(EDGES, photon_index=G, normalization=1.0)
    np.testing.assert_allclose(seen, own * (1 + z) ** -G, rtol=1e-12)


def test_redshift_acts_on_what_stands_to_its_right():
    z = 1.0
    row = {"photon_index": 2.0, "normalization": 1.0}
    near = (TBabs(nh=1.0) * Redshift(redshift=z) * PowerLaw()).evaluate(EDGES, **row)
    far = (Redshift(redshift=z) * TBabs(nh=1.0) * PowerLaw()).evaluate(EDGES, **row)
    built_in = (ZTBabs(nh=1.0, redshift=z) * Redshift(redshift=z) * PowerLaw()).evaluate(
        EDGES, **row
    )
    np.testing.assert_allclose(far, built_in, rtol=1e-9)
    assert near[0] < 0.01 * far[0]
    with pytest.raises(InputError, match="to the left of what it shifts"):
        PowerLaw() * Redshift(redshift=z)


def test_impossible_compositions_are_refused():
    with pytest.raises(InputError, match="only components that emit can be added"):
        PowerLaw() + TBabs()
    with pytest.raises(InputError, match="cannot be multiplied"):
        PowerLaw() * PowerLaw()
    with pytest.raises(TypeError):
        PowerLaw() + 1


def test_bins_need_not_be_adjacent():
    grid = EnergyGrid([1.0, 4.0, 2.0], [2.0, 8.0, 3.0])
    got = PowerLaw().photons(grid, [2.0, 1.0])[0]
    np.testing.assert_allclose(got, [0.5, 0.125, 1 / 2 - 1 / 3], rtol=1e-13)


# -- parameters ------------------------------------------------------------------------------


def test_names_and_aliases():
    model = TBabs() * (PowerLaw() + PowerLaw())
    assert model.names == ("nh", "photon_index", "normalization", "photon_index_2",
                           "normalization_2")  # fmt: skip
    assert model.aliases["PhoIndex"] == "photon_index"
    assert model.aliases["norm_2"] == "normalization_2"
    assert repr(PowerLaw(PhoIndex=1.7)) == "PowerLaw(photon_index=1.7)"
    with pytest.raises(ParameterError, match="given twice"):
        PowerLaw(PhoIndex=1.7, photon_index=1.8)
    with pytest.raises(TypeError):
        PowerLaw(photo_index=1.7)


def test_numbers_fix_and_priors_free():
    p = (TBabs(nh=0.07, fixed=True) * PowerLaw(photon_index=Normal(1.8, 0.1))).parameters()
    assert (p["nh"].value, p["nh"].fixed) == (0.07, True)
    assert not p["photon_index"].fixed
    assert p["photon_index"].prior == Normal(1.8, 0.1)
    start = PowerLaw(photon_index=1.2, fixed=False).parameters()["photon_index"]
    assert (start.value, start.fixed) == (1.2, False)
    with pytest.raises(ParameterError, match="outside its default prior"):
        PowerLaw(photon_index=20.0, fixed=False).parameters()


def test_quantities_are_converted_and_wrong_units_refused():
    p = TBabs(nh=7e20 / u.cm**2).parameters()
    assert p["nh"].value == pytest.approx(0.07)
    line = GaussianLine(line_energy=6400 * u.eV).parameters()
    assert line["line_energy"].value == pytest.approx(6.4)
    with pytest.raises(UnitError):
        GaussianLine(line_energy=1 * u.s).parameters()
    assert PowerLaw().parameters()["normalization"].unit == u.Unit("cm-2 s-1 keV-1")


def test_missing_and_unknown_values_are_named():
    with pytest.raises(ParameterError, match="missing: normalization"):
        PowerLaw().evaluate(EDGES, photon_index=2.0)
    with pytest.raises(ParameterError, match="not those of the model"):
        PowerLaw().evaluate(EDGES, photon_index=2.0, normalization=1.0, nh=1.0)


def test_energy_zero_is_refused():
    with pytest.raises(InputError, match="not defined at E = 0"):
        PowerLaw().evaluate([0.0, 1.0, 2.0], photon_index=2.0, normalization=1.0)
    with pytest.raises(InputError, match="ends before it begins"):
        EnergyGrid([1.0, 3.0], [2.0, 2.5])


def test_default_priors_follow_the_data():
    guide = Guide(0.5, 8.0, density=1e-3)
    p = BrokenPowerLaw().parameters(guide)
    assert p["break_energy"].prior.support == (0.5, 8.0)
    # Density 1e-3 at 2 keV, index 2: K = 4e-3 at 1 keV.
    assert p["normalization"].value == pytest.approx(4e-3)


def test_pickle():
    model = TBabs(nh=0.07) * (PowerLaw() + GaussianLine())
    assert repr(pickle.loads(pickle.dumps(model))) == repr(model)


# -- models of others ----------------------------------------------------------------------------


def straight(edges, slope, strength):
    return strength * (edges[1:] ** (1 - slope) - edges[:-1] ** (1 - slope)) / (1 - slope)


def test_user_model_is_the_same_law():
    own = UserModel(
        straight, [Parameter("slope", 2.0, Uniform(0, 4)), Parameter("strength", 1, Uniform(0, 9))]
    )
    a = (TBabs(nh=0.1) * own).evaluate(EDGES, slope=1.7, strength=2.0)
    b = (TBabs(nh=0.1) * PowerLaw()).evaluate(EDGES, photon_index=1.7, normalization=2.0)
    np.testing.assert_allclose(a, b, rtol=1e-11)
    grid = EnergyGrid.from_edges(EDGES)
    slopes = own.photons_and_derivatives(grid, np.array([1.7, 2.0]))
    law = PowerLaw().photons_and_derivatives(grid, np.array([1.7, 2.0]))
    np.testing.assert_allclose(slopes, law, rtol=1e-7)
    assert pickle.loads(pickle.dumps(own)).names == own.names


def test_user_model_as_a_factor_and_of_the_wrong_shape():
    edge = UserModel(
        lambda edges, depth: 1 - depth * (edges[:-1] > 2), [Parameter("depth", 0.5, Uniform(0, 1))],
        emits=False,
    )  # fmt: skip
    got = (edge * PowerLaw()).evaluate(EDGES, depth=0.5, photon_index=2.0, normalization=1.0)
    plain = PowerLaw().evaluate(EDGES, photon_index=2.0, normalization=1.0)
    np.testing.assert_allclose(got[-1], 0.5 * plain[-1])
    bad = UserModel(lambda edges, a: edges, [Parameter("a", 1, Uniform(0, 2))])
    with pytest.raises(ShapeError, match="one number per energy bin"):
        bad.evaluate(EDGES, a=1.0)


def test_astropy_model_is_integrated():
    law = astropy_models.BrokenPowerLaw1D(
        amplitude=2.0, x_break=3.0, alpha_1=1.5, alpha_2=2.5,
        bounds={"amplitude": (0, 9), "x_break": (1, 9), "alpha_1": (0, 4), "alpha_2": (0, 4)},
    )  # fmt: skip
    model = AstropyModel(law)
    values = {"amplitude": 2.0, "x_break": 3.0, "alpha_1": 1.5, "alpha_2": 2.5}
    got = model.evaluate(EDGES, **values)  # the break lies on an edge
    mine = BrokenPowerLaw().evaluate(
        EDGES, low_photon_index=1.5, high_photon_index=2.5, break_energy=3.0,
        normalization=2.0 * 3.0**1.5,
    )  # fmt: skip
    np.testing.assert_allclose(got, mine, rtol=1e-9)


def test_astropy_model_needs_priors():
    law = astropy_models.PowerLaw1D(fixed={"x_0": True})
    with pytest.raises(ParameterError, match="no prior"):
        AstropyModel(law)
    model = AstropyModel(law, amplitude=Uniform(0, 1), alpha=Uniform(0, 3))
    assert model.parameters()["x_0"].fixed
    with pytest.raises(ParameterError, match="no such parameter"):
        AstropyModel(law, amplitud=Uniform(0, 1))
    with pytest.raises(InputError, match="one energy"):
        AstropyModel(astropy_models.Gaussian2D())


# -- absorption --------------------------------------------------------------------------------


def test_wabs_is_continuous_between_its_edges():
    """The polynomials jump at K edges only: carbon, nitrogen, oxygen, neon, magnesium and so on."""
    for energy in (0.1, 8.331):
        low, high = ak.spectra.absorption_cross_section(
            energy * np.array([1 - 1e-9, 1 + 1e-9]), abundances="wabs"
        )
        assert high == pytest.approx(low, rel=0.02)
    low, high = ak.spectra.absorption_cross_section(
        7.111 * np.array([1 - 1e-9, 1 + 1e-9]), abundances="wabs"
    )
    # Iron: 3.3e-5 atoms per hydrogen of 3.3e-20 cm2 each upon 455e-24 / 7.111^3 cm2 of the rest.
    assert high / low == pytest.approx(1 + 3.3e-5 * 3.3e-20 * 7.111**3 / 455e-24, rel=0.05)


@pytest.mark.parametrize(
    ("energy", "tolerance"), [(0.3, 0.1), (1.0, 0.08), (3.0, 0.08), (6.0, 0.08)]
)
def test_cross_sections_agree_between_compilations(energy, tolerance):
    own = ak.spectra.absorption_cross_section([energy], abundances="anders")[0]
    other = ak.spectra.absorption_cross_section([energy], abundances="wabs")[0]
    assert own == pytest.approx(other, rel=tolerance)


def test_interstellar_abundances_absorb_less():
    at = [0.6, 1.0, 2.0]
    solar = ak.spectra.absorption_cross_section(at, abundances="angr")
    wilms = ak.spectra.absorption_cross_section(at, abundances="wilm")
    assert np.all((wilms / solar > 0.6) & (wilms / solar < 0.9))
    with pytest.raises(InputError, match="no such abundances"):
        ak.spectra.absorption_cross_section(at, abundances="solar")
    with pytest.raises(InputError, match="no such abundances"):
        TBabs(abundances="solar")


def test_hydrogen_edge_of_the_table_falls_on():
    """Below 0.1 keV and above 800 keV the cross-section is continued without a jump."""
    for at in (0.1, 800.0):
        low, high = ak.spectra.absorption_cross_section(at * np.array([1 - 1e-6, 1 + 1e-6]))
        assert high == pytest.approx(low, rel=1e-4)
    e = np.array([0.02, 0.05, 0.1])
    assert np.all(np.diff(ak.spectra.absorption_cross_section(e)) < 0)


def test_transmission_of_many_columns_equals_one_by_one():
    grid = EnergyGrid.from_edges(EDGES)
    many = TBabs().photons(grid, [[0.1], [1.0], [5.0]])
    for row, nh in zip(many, (0.1, 1.0, 5.0), strict=True):
        np.testing.assert_allclose(row, TBabs().photons(grid, [nh])[0], rtol=1e-14)
    fine = EnergyGrid.from_edges(np.geomspace(1.0, 1.05, 1001))
    depth = 1e22 * ak.spectra.absorption_cross_section(np.sqrt(fine.low * fine.high))
    mean = np.average(np.exp(-depth), weights=fine.high - fine.low)
    coarse = TBabs(nh=1.0).evaluate([1.0, 1.05])[0]
    assert coarse == pytest.approx(mean, rel=1e-3)


# -- fluxes in place of normalisations ---------------------------------------------------------


def test_flux_is_a_parameter():
    """The energy flux of the model in the band is the parameter, whatever the shape."""
    model = EnergyFlux(LogParabola(), 2.0, 10.0)
    assert model.names == ("photon_index", "curvature", "energy_flux")
    values = {"alpha": 1.7, "beta": 0.4, "energy_flux": 3e-12}
    total = quad(lambda e: e * float(model.density([e], **values)[0]), 2.0, 10.0, epsrel=1e-10)[0]
    assert 1.602176634e-9 * total == pytest.approx(3e-12, rel=1e-8)
    photons = PhotonFlux(PowerLaw(), 2.0 * u.keV, 10.0 * u.keV)
    got = photons.evaluate([2.0, 5.0, 10.0], photon_index=1.5, photon_flux=2e-4)
    assert got.sum() == pytest.approx(2e-4, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (TBabs() * EnergyFlux(PowerLaw(), 2, 10), [0.2, 1.8, 1e-12]),
        (Redshift() * EnergyFlux(PowerLaw() + GaussianLine(), 2, 10),
         [0.3, 1.8, 1e-12, 6.4, 0.2, 0.1]),
        (PhotonFlux(BrokenPowerLaw(), 0.5, 2), [1.5, 2.5, 1.2, 1e-3]),
    ],
)  # fmt: skip
def test_flux_models_have_derivatives(model, values):
    test_derivatives_are_differences(model, values)


def test_flux_models_refuse_absorption_inside():
    with pytest.raises(InputError, match="absorption belongs outside"):
        EnergyFlux(TBabs() * PowerLaw(), 2, 10)
    with pytest.raises(InputError, match="ends before it begins"):
        EnergyFlux(PowerLaw(), 10, 2)
    with pytest.raises(InputError, match="emits is needed"):
        PhotonFlux(TBabs(), 2, 10)
    fixed = EnergyFlux(PowerLaw(), 2, 10, flux=1e-12 * u.Unit("erg cm-2 s-1")).parameters()
    assert (fixed["energy_flux"].value, fixed["energy_flux"].fixed) == (1e-12, True)
    free = EnergyFlux(PowerLaw(), 2, 10, flux=Uniform(0, 1e-11)).parameters()
    assert free["energy_flux"].prior == Uniform(0, 1e-11)
    assert "EnergyFlux(PowerLaw(), 2, 10" in repr(EnergyFlux(PowerLaw(), 2, 10))


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("tbabs*(powerlaw+gaussian)", "TBabs() * (PowerLaw() + GaussianLine())"),
        ("wabs * zphabs * bknpower", "Wabs() * ZPhabs() * BrokenPowerLaw()"),
        ("phabs(po + logpar)", "Phabs() * (PowerLaw() + LogParabola())"),
        ("TBabs*zashift*cutoffpl", "TBabs() * Redshift() * CutoffPowerLaw()"),
    ],
)
def test_models_written_as_in_xspec(expression, text):
    assert repr(ak.spectra.from_xspec(expression)) == text


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("tbabs*apec", "does not exist here"),
        ("powerlaww", "did you mean 'powerlaw'"),
        ("p", "not unique"),
        ("tbabs*", "no model expression"),
        ("powerlaw - gauss", "only components"),
        ("2 * powerlaw", "only components"),
    ],
)
def test_expressions_that_xspec_would_refuse_too(expression, words):
    with pytest.raises(InputError, match=words):
        ak.spectra.from_xspec(expression)


def test_a_quantity_of_another_kind_is_refused_at_once():
    assert PowerLaw(normalization=3 * u.Unit("cm-2 s-1 eV-1")).complete({"photon_index": 2.0})[
        1
    ] == pytest.approx(3000.0)
    for wrong in (
        lambda: PowerLaw(normalization=3 * u.s),
        lambda: PowerLaw(photon_index=2 * u.keV),
        lambda: BrokenPowerLaw(break_energy=2 * u.cm**-2),
        lambda: TBabs(nh=1e21 * u.keV),
        lambda: GaussianLine(line_width=0.1 * u.s),
    ):
        with pytest.raises(UnitError):
            wrong()
