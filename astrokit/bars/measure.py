"""`pattern_speed`: pattern speed, corotation and their ratio to the bar, with all errors."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..boundary import as_array, as_scalar
from ..errors import CoverageWarning, InputError
from ..estimate import ONE_SIGMA, Estimate
from ..provenance import Provenance, Recorder
from ..randomness import SeedLike, as_seed_sequence
from .budget import Budget, sensitivity_budget
from .checks import Flag
from .draws import Outcome, draw_geometry, draw_noise, evaluate
from .maps import GalaxyMaps
from .rotation import RotationCurve
from .slits import SlitLayout, Slits
from .tremaine_weinberg import SPEED_UNIT, TremaineWeinberg

if TYPE_CHECKING:
    from astropy.table import QTable
    from matplotlib.figure import Figure

__all__ = ["CLASSES", "PatternSpeed", "classify", "pattern_speed"]

FloatArray = NDArray[np.float64]
CLASSES = {"ultrafast": (0.0, 1.0), "fast": (1.0, 1.4), "slow": (1.4, math.inf)}
NO_COROTATION = "no corotation"
_METHOD = "median and central interval of draws of geometry and noise"
_FEW_ROOTS = 0.05


def classify(ratio: ArrayLike) -> dict[str, float]:
    """Return the probabilities of the classes of bars from draws of R.

    Parameters
    ----------
    ratio : array_like, shape (n,)
        Corotation radius over bar radius; NaN where there is no corotation.

    Returns
    -------
    dict
        "ultrafast" (R < 1), "fast" (1 to 1.4), "slow" (beyond), and "no corotation": the share of
        draws in which the pattern is faster than the disc everywhere, or negative. They sum to 1.

    Raises
    ------
    InputError, NonFiniteError, ShapeError
        For negative or infinite ratios, or none at all.

    Examples
    --------
    >>> from astrokit.bars import classify
    >>> classify([0.9, 1.2, 1.3, 2.0])
    {'ultrafast': 0.25, 'fast': 0.5, 'slow': 0.25, 'no corotation': 0.0}
    """
    r = as_array(ratio, "ratio", missing="nan")
    if np.any(r < 0):
        raise InputError("a ratio of radii is negative", value=float(np.nanmin(r)), allowed=">= 0")
    shares = {name: float(np.mean((r >= a) & (r < b))) for name, (a, b) in CLASSES.items()}
    return shares | {NO_COROTATION: float(np.mean(np.isnan(r)))}


@dataclass(frozen=True, eq=False)
class PatternSpeed:
    """How fast a bar turns, and what follows from it.

    Attributes
    ----------
    tw : TremaineWeinberg
        The measurement at the measured geometry, with its checks.
    draws : Outcome
        One row per draw of geometry and noise.
    budget : Budget
        d ln Omega / d parameter.
    kpc_per_arcsec : float
        NaN where no distance was given.
    method : str
        How the errors were made.
    provenance : Provenance
    """

    tw: TremaineWeinberg
    draws: Outcome = field(repr=False)
    budget: Budget = field(repr=False)
    kpc_per_arcsec: float
    method: str
    provenance: Provenance = field(repr=False)

    # -- numbers -----------------------------------------------------------------------------

    @property
    def pattern_speed(self) -> Estimate:
        """km/s/arcsec, positive in the sense of the disc."""
        return self._estimate(self.draws.pattern_speed, "pattern_speed", SPEED_UNIT)

    @property
    def pattern_speed_kpc(self) -> Estimate:
        """km/s/kpc.

        Raises
        ------
        InputError
            Without a distance.
        """
        speeds = self.draws.pattern_speed / self._scale()
        return self._estimate(speeds, "pattern_speed", "km/(s kpc)")

    @property
    def corotation_radius(self) -> Estimate:
        """arcsec, of the draws that have one."""
        return self._estimate(self.draws.corotation_radius, "corotation_radius", "arcsec")

    @property
    def corotation_radius_kpc(self) -> Estimate:
        """Kpc.

        Raises
        ------
        InputError
            Without a distance.
        """
        radii = self.draws.corotation_radius * self._scale()
        return self._estimate(radii, "corotation_radius", "kpc")

    @property
    def bar_radius(self) -> Estimate:
        """In the plane of the disc, arcsec."""
        return self._estimate(self.draws.bar_radius, "bar_radius", "arcsec")

    @property
    def ratio(self) -> Estimate:
        """Corotation radius over bar radius, of the draws that have one."""
        return self._estimate(self.draws.ratio, "ratio", None)

    @property
    def class_probabilities(self) -> dict[str, float]:
        """Of "ultrafast", "fast", "slow" and "no corotation"; see :func:`classify`."""
        return classify(self.draws.ratio)

    @property
    def slits(self) -> Slits:
        """<X> and <V> at the measured geometry."""
        return self.tw.slits

    @property
    def rotation_curve(self) -> RotationCurve:
        """At the measured geometry."""
        return self.tw.rotation_curve

    @functools.cached_property
    def flags(self) -> tuple[Flag, ...]:
        """What a reader must know; empty where nothing is wrong."""
        found = [*self.tw.flags, *self._of_noise(), *self._of_curve()]
        lost = self.class_probabilities[NO_COROTATION]
        if lost > _FEW_ROOTS:
            text = (
                f"{100 * lost:.0f} % of the draws have no corotation radius, and R leaves them out"
            )
            found.append(Flag("corotation", text))
        return tuple(found)

    def _of_noise(self) -> list[Flag]:
        pixels = self.tw.pixels
        if not pixels.velocity_variance.any():
            text = "the maps state no errors of velocities: the interval lacks the noise of pixels"
            return [Flag("no_noise", text)]
        return []

    def _of_curve(self) -> list[Flag]:
        """Return whether corotation lies where no velocity was measured."""
        end, middle = float(self.rotation_curve.radius.max()), self.corotation_radius.value
        if middle > end:
            text = f"the rotation curve ends at {end:.3g} arcsec, before corotation at {middle:.3g}"
            return [Flag("extrapolated", text)]
        return []

    def to_table(self) -> QTable:
        """Return the draws, one per row, with units."""
        from astropy import units as u
        from astropy.table import QTable

        d = self.draws
        return QTable(
            {
                "pattern_speed": d.pattern_speed * u.Unit(SPEED_UNIT),
                "systemic_velocity": d.systemic_velocity * u.km / u.s,
                "flat_velocity": d.flat_velocity * u.km / u.s,
                "turnover": d.turnover * u.arcsec,
                "corotation_radius": d.corotation_radius * u.arcsec,
                "bar_radius": d.bar_radius * u.arcsec,
                "ratio": d.ratio,
            }
        )

    def plot(self) -> Figure:
        """Draw maps, slits, rotation curve and R; see :func:`plot_pattern_speed`."""
        from .plots import plot_pattern_speed

        return plot_pattern_speed(self)

    def _scale(self) -> float:
        if math.isnan(self.kpc_per_arcsec):
            raise InputError(
                "no distance is known",
                hint="pattern_speed(maps, distance=40 * u.Mpc), or redshift=",
            )
        return self.kpc_per_arcsec

    def _estimate(self, values: FloatArray, name: str, unit: Any) -> Estimate:
        known = values[np.isfinite(values)]
        if known.size == 0:
            return Estimate(math.nan, unit=unit, name=name, method="no draw has one")
        tail = 0.5 * (1 - ONE_SIGMA)
        low, middle, high = np.quantile(known, [tail, 0.5, 1 - tail])
        text = self.method
        if known.size < values.size:
            text += f", {100 * (1 - known.size / values.size):.1f} % of the draws have none"
        return Estimate(middle, middle - low, high - middle, unit, name=name, method=text)

    def __str__(self) -> str:
        lines = [f"bar of {self.tw.maps.name or 'a galaxy'}, {len(self.slits)} slits"]
        numbers = [self.pattern_speed, self.corotation_radius, self.bar_radius, self.ratio]
        if not math.isnan(self.kpc_per_arcsec):
            numbers[1:1] = [self.pattern_speed_kpc]
        lines += [f"  {number}" for number in numbers]
        shares = ", ".join(f"{k} {v:.2f}" for k, v in self.class_probabilities.items() if v > 0)
        lines.append(f"  {shares}")
        if top := self.budget.largest.replace("_", " "):
            lines.append(f"  largest part of the error: {top}")
        lines += [f"  {flag}" for flag in self.flags]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<PatternSpeed: {self.pattern_speed}, {self.ratio}>"

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(str(self))}</pre>"


def pattern_speed(
    maps: GalaxyMaps,
    *,
    n_draws: int = 1000,
    seed: SeedLike = None,
    layout: SlitLayout | None = None,
    weights: ArrayLike | None = None,
    rotation: Any = "arctan",
    distance: Any = None,
    redshift: float | None = None,
    cosmology: Any = None,
) -> PatternSpeed:
    """Measure the pattern speed of a bar, its corotation radius and R, with all errors.

    Position angle, inclination, centre, systemic velocity, radius and angle of the bar and the
    noise of the pixels are drawn together; every draw has its slits, its line, its rotation curve
    and its corotation radius.

    Parameters
    ----------
    maps : GalaxyMaps
        With a geometry that knows disc and bar; errors that are not given are not propagated.
    n_draws : int
    seed : int, SeedSequence or Generator, optional
    layout : SlitLayout, optional
    weights : array_like, optional
        Such as mass, instead of the flux; see :class:`TremaineWeinberg`.
    rotation : {"arctan", "tanh", "exponential"}
        Form of the rotation curve.
    distance : float or Quantity, optional
        Angular-diameter distance, Mpc, for numbers in kpc.
    redshift : float, optional
        Instead of a distance.
    cosmology : astropy cosmology, optional
        Planck18 by default.

    Returns
    -------
    PatternSpeed
        ``pattern_speed``, ``corotation_radius``, ``ratio``, ``class_probabilities``, ``slits``,
        ``rotation_curve``, ``budget``, ``flags``.

    Raises
    ------
    InputError
        As :class:`TremaineWeinberg`; for fewer than 20 draws, or both a distance and a redshift.

    Warns
    -----
    CoverageWarning
        For each flag.

    Examples
    --------
    >>> from astropy import units as u
    >>> import astrokit as ak
    >>> g = ak.bars.simulate_galaxy(pattern_speed=20, inclination=50 * u.deg, seed=1)
    >>> r = ak.bars.pattern_speed(g, n_draws=1000, seed=1)
    >>> abs(r.pattern_speed.sigma_from(20.0)) < 3
    True
    """
    require_draws(n_draws)
    scale = kpc_per_arcsec(distance, redshift, cosmology)
    sequence = as_seed_sequence(seed)
    tw = TremaineWeinberg(maps, layout=layout, weights=weights, rotation=rotation)
    arguments = {"n_draws": n_draws, "layout": layout, "rotation": rotation}
    recorder = Recorder(
        "astrokit.bars.pattern_speed",
        arguments | {"geometry": maps.geometry, "distance": distance, "redshift": redshift},
        inputs=[{"maps": repr(maps), "flux": maps.flux, "velocity": maps.velocity}],
        seed=sequence,
        citations=("tremaine1984", "courteau1997", "york2004"),
    )
    geometry_seed, noise_seed = sequence.spawn(2)
    draws = draw_geometry(tw.geometry, int(n_draws), np.random.default_rng(geometry_seed))
    noise = draw_noise(tw, int(n_draws), np.random.default_rng(noise_seed))
    outcome = evaluate(tw, draws, noise)
    result = PatternSpeed(tw, outcome, sensitivity_budget(tw), scale, _METHOD, recorder.finish())
    for flag in result.flags:
        recorder.warn(str(flag), CoverageWarning)
    object.__setattr__(result, "provenance", recorder.finish())
    return result


def require_draws(n_draws: Any) -> None:
    """Refuse numbers of draws that are not whole, or too small for an interval.

    Raises
    ------
    InputError
    """
    if not isinstance(n_draws, int | np.integer):
        raise InputError("n_draws is not a whole number", value=n_draws, allowed="20 or more")
    if n_draws < 20:
        raise InputError("too few draws for an interval", value=n_draws, allowed="20 or more")


def kpc_per_arcsec(distance: Any, redshift: float | None, cosmology: Any) -> float:
    """Return the scale on the sky, NaN where nothing is known."""
    if distance is not None and redshift is not None:
        raise InputError("the distance is given twice", allowed="distance= or redshift=")
    if distance is not None:
        mpc = as_scalar(distance, "distance", unit="Mpc", positive=True)
        return mpc * 1000 * math.pi / (180 * 3600)
    if redshift is None:
        return math.nan
    z = as_scalar(redshift, "redshift", positive=True)
    if cosmology is None:
        from astropy.cosmology import Planck18

        cosmology = Planck18
    if not hasattr(cosmology, "kpc_proper_per_arcmin"):
        raise InputError(
            "cosmology is not understood",
            value=cosmology,
            allowed="one of astropy.cosmology, such as astropy.cosmology.WMAP9",
        )
    per_arcmin = cosmology.kpc_proper_per_arcmin(z)
    return float(per_arcmin.to_value("kpc/arcmin")) / 60
