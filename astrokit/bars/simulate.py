"""`simulate_galaxy`: a toy galaxy as an integral-field spectrograph sees it, its truth kept."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..boundary import as_scalar
from ..errors import InputError
from ..estimate import Estimate
from ..randomness import SeedLike, spawn
from .geometry import Geometry
from .grid import PixelGrid
from .maps import GalaxyMaps
from .toy import ToyGalaxy

__all__ = ["GeometryErrors", "Instrument", "SimulatedGalaxy", "simulate_galaxy"]

FloatArray = NDArray[np.float64]
_FWHM = 2 * math.sqrt(2 * math.log(2))


@dataclass(frozen=True)
class Instrument:
    """What a spectrograph does to a galaxy.

    Parameters
    ----------
    pixel_scale : float or Quantity
        arcsec.
    shape : pair of int
        Rows and columns.
    hexagon : float, Quantity or None
        Corner to corner of a hexagonal bundle of fibres, arcsec; None for the whole rectangle.
    psf_fwhm : float or Quantity
        Of a Gaussian point-spread function, arcsec; 0 for none. Velocities are flux-weighted.
    signal_to_noise : float
        Of the flux in a pixel at the centre; infinite for maps without noise or errors. It falls
        outwards as for photon noise over a sky of 1 % of the central flux.
    velocity_error : float or Quantity
        Of one pixel at the centre, km/s; it grows as the signal to noise falls.
    bin_signal_to_noise : float or None
        Join pixels to bins of about this signal to noise, which share one velocity.
    stars : int
        Round masked holes of 1.5 arcsec radius at random places.

    Raises
    ------
    InputError, UnitError
        For numbers out of range, or a wrong unit.

    Examples
    --------
    >>> from astrokit.bars import Instrument
    >>> Instrument.exact().signal_to_noise
    inf
    """

    pixel_scale: float = 0.5
    shape: tuple[int, int] = (74, 74)
    hexagon: float | None = 34.0
    psf_fwhm: float = 2.5
    signal_to_noise: float = 60.0
    velocity_error: float = 3.0
    bin_signal_to_noise: float | None = None
    stars: int = 0

    def __post_init__(self) -> None:
        put = object.__setattr__
        scale = as_scalar(self.pixel_scale, "pixel_scale", unit="arcsec", positive=True)
        put(self, "pixel_scale", scale)
        put(self, "psf_fwhm", as_scalar(self.psf_fwhm, "psf_fwhm", unit="arcsec", minimum=0))
        error = as_scalar(self.velocity_error, "velocity_error", unit="km/s", minimum=0)
        put(self, "velocity_error", error)
        if self.hexagon is not None:
            hexagon = as_scalar(self.hexagon, "hexagon", unit="arcsec", positive=True)
            put(self, "hexagon", hexagon)
        if not self.signal_to_noise > 0:
            raise InputError("signal_to_noise must be > 0", value=self.signal_to_noise)
        if len(self.shape) != 2 or min(self.shape) < 3:
            raise InputError("shape is not that of an image", value=self.shape, allowed=">= (3, 3)")

    @classmethod
    def exact(cls, *, pixel_scale: float = 0.5, half_width: float = 40.0) -> Instrument:
        """Return one without noise, seeing or outline: a square field, arcsec."""
        side = 2 * math.ceil(half_width / pixel_scale)
        return cls(pixel_scale, (side, side), None, 0.0, math.inf)

    @property
    def has_noise(self) -> bool:
        """Whether maps carry noise and errors."""
        return math.isfinite(self.signal_to_noise)


@dataclass(frozen=True)
class GeometryErrors:
    """How well the geometry of a simulated galaxy is measured: one standard deviation each.

    Parameters
    ----------
    position_angle, inclination, bar_position_angle : float
        deg.
    bar_radius : float
        Relative to the radius of the bar.
    center : float
        arcsec, in each direction.
    scatter : bool
        Whether the measured values differ from the truth by these errors, or only state them.

    Raises
    ------
    InputError
        For negative errors.
    """

    position_angle: float = 1.5
    inclination: float = 2.0
    bar_position_angle: float = 2.0
    bar_radius: float = 0.05
    center: float = 0.1
    scatter: bool = True

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self)[:-1]:
            as_scalar(getattr(self, f.name), f.name, minimum=0)

    def measure(self, truth: Geometry, rng: np.random.Generator) -> Geometry:
        """Return the geometry as measured: with errors, and scattered by them."""
        radius = truth.bar_radius.value if truth.bar_radius is not None else 1.0
        sigma = {
            "position_angle": self.position_angle,
            "inclination": self.inclination,
            "bar_position_angle": self.bar_position_angle,
            "bar_radius": self.bar_radius * radius,
            "center_x": self.center,
            "center_y": self.center,
        }
        measured = {}
        for name, error in sigma.items():
            shift = rng.normal(0.0, error) if self.scatter else 0.0
            known = truth.estimates[name]
            measured[name] = Estimate(known.value + shift, error, unit=known.unit)
        center = measured.pop("center_x"), measured.pop("center_y")
        return Geometry(**measured, center=center)


@dataclass(frozen=True, eq=False, repr=False)
class SimulatedGalaxy(GalaxyMaps):
    """Maps of a toy galaxy, with the truth.

    Attributes
    ----------
    truth : ToyGalaxy
        Pattern speed, corotation radius and all else.
    true_geometry : Geometry
        Where the galaxy really lies; `geometry` is what was measured.
    """

    truth: ToyGalaxy = field(default_factory=ToyGalaxy)
    true_geometry: Geometry | None = None


def simulate_galaxy(
    *,
    pattern_speed: Any = None,
    inclination: Any = None,
    bar_angle: Any = None,
    position_angle: Any = 30.0,
    toy: ToyGalaxy | None = None,
    instrument: Instrument | None = None,
    errors: GeometryErrors | None = None,
    seed: SeedLike = None,
) -> SimulatedGalaxy:
    """Return maps of an exact toy galaxy, with seeing, noise, outline and holes.

    Parameters
    ----------
    pattern_speed : float or Quantity, optional
        km/s/arcsec.
    inclination, bar_angle : float or Quantity, optional
        deg; the bar angle is that on the sky from the line of nodes. These three replace numbers
        of `toy`.
    position_angle : float or Quantity
        Of the receding half of the line of nodes, deg from north through east.
    toy : ToyGalaxy, optional
        The galaxy; the default has a bar of 7 arcsec and 200 km/s.
    instrument : Instrument, optional
        The default resembles MaNGA; ``Instrument.exact()`` adds nothing.
    errors : GeometryErrors, optional
        Of the measured geometry; without an instrument with noise the geometry is exact.
    seed : int, SeedSequence or Generator, optional
        Of noise, holes and the measured geometry.

    Returns
    -------
    SimulatedGalaxy
        A :class:`GalaxyMaps` with ``truth`` and ``true_geometry``.

    Raises
    ------
    InputError, UnitError
        For numbers out of range, or a wrong unit.

    Examples
    --------
    >>> from astropy import units as u
    >>> import astrokit as ak
    >>> g = ak.bars.simulate_galaxy(pattern_speed=20, inclination=50 * u.deg, seed=1)
    >>> g.truth.pattern_speed, round(g.truth.corotation_radius, 2)
    (20.0, 8.53)
    """
    changes = {"pattern_speed": pattern_speed, "inclination": inclination, "bar_angle": bar_angle}
    toy = ToyGalaxy() if toy is None else toy
    toy = toy.replace(**{name: v for name, v in changes.items() if v is not None})
    instrument = Instrument() if instrument is None else instrument
    if errors is None:
        errors = GeometryErrors() if instrument.has_noise else GeometryErrors(0, 0, 0, 0, 0)
    angle = as_scalar(position_angle, "position_angle", unit="deg")
    true = Geometry(angle, toy.inclination, angle + toy.bar_angle, toy.projected_bar_radius)
    noise_seed, hole_seed, geometry_seed = spawn(seed, 3)
    measured = errors.measure(true, np.random.default_rng(geometry_seed))
    flux, velocity = observe(toy, true, instrument)
    columns = _with_noise(flux, velocity, instrument, np.random.default_rng(noise_seed))
    mask = _outline(instrument) | _holes(instrument, np.random.default_rng(hole_seed))
    return SimulatedGalaxy(
        **columns,
        mask=mask,
        pixel_scale=instrument.pixel_scale,
        geometry=measured,
        psf_fwhm=instrument.psf_fwhm,
        name="toy galaxy",
        truth=toy,
        true_geometry=true,
    )


def observe(
    toy: ToyGalaxy, geometry: Geometry, instrument: Instrument, oversampling: int = 3
) -> tuple[FloatArray, FloatArray]:
    """Return flux and flux-weighted velocity of pixels ``(rows, columns)`` without noise."""
    from scipy.ndimage import gaussian_filter

    rows, columns = instrument.shape
    scale = instrument.pixel_scale
    margin = math.ceil(2 * instrument.psf_fwhm / scale)  # light that the seeing brings in
    fine = PixelGrid(scale / oversampling)
    shape = ((rows + 2 * margin) * oversampling, (columns + 2 * margin) * oversampling)
    flux, velocity = toy.evaluate(*geometry.to_line_of_nodes(*fine.positions(shape)))
    moment = flux * velocity
    if instrument.psf_fwhm > 0:
        sigma = instrument.psf_fwhm / _FWHM / fine.pixel_scale
        flux, moment = (gaussian_filter(m, sigma, truncate=5.0) for m in (flux, moment))
    flux, moment = (
        m.reshape(rows + 2 * margin, oversampling, columns + 2 * margin, oversampling).mean((1, 3))
        for m in (flux, moment)
    )
    inside = slice(margin, margin + rows), slice(margin, margin + columns)
    return flux[inside], (moment / flux)[inside]


_SKY = 0.01  # of the central flux


def _with_noise(
    flux: FloatArray, velocity: FloatArray, instrument: Instrument, rng: np.random.Generator
) -> dict[str, Any]:
    """Return flux, velocity, their errors, and the bins, as GalaxyMaps takes them."""
    if not instrument.has_noise:
        return {"flux": flux, "velocity": velocity}
    peak = flux.max()
    flux_error = np.sqrt(peak * (flux + _SKY * peak)) / instrument.signal_to_noise
    at_center = instrument.velocity_error * instrument.signal_to_noise / math.sqrt(1 + _SKY)
    velocity_error = at_center * flux_error / flux
    bins = None
    if instrument.bin_signal_to_noise is not None:
        bins = _bins(flux, flux_error, instrument.bin_signal_to_noise)
        total = np.bincount(bins.ravel(), flux.ravel())
        noise = np.sqrt(np.bincount(bins.ravel(), flux_error.ravel() ** 2))
        velocity = (np.bincount(bins.ravel(), (flux * velocity).ravel()) / total)[bins]
        velocity_error = (at_center * noise / total)[bins]
        deviate = rng.standard_normal(total.size)[bins]
    else:
        deviate = rng.standard_normal(flux.shape)
    return {
        "flux": flux + flux_error * rng.standard_normal(flux.shape),
        "velocity": velocity + velocity_error * deviate,
        "flux_error": flux_error,
        "velocity_error": velocity_error,
        "bins": bins,
    }


def _bins(flux: FloatArray, error: FloatArray, target: float) -> NDArray[np.int64]:
    """Return bin numbers: rectangles, halved at their middle light until too noisy to halve."""
    bins = np.zeros(flux.shape, dtype=np.int64)
    count = 1
    waiting = [(0, flux.shape[0], 0, flux.shape[1])]
    while waiting:
        top, bottom, left, right = waiting.pop()
        f, e = flux[top:bottom, left:right], error[top:bottom, left:right]
        if f.size == 1 or f.sum() < math.sqrt(2) * target * math.sqrt((e**2).sum()):
            bins[top:bottom, left:right] = count - 1
            count += 1
            continue
        tall = f.shape[0] >= f.shape[1]
        profile = np.cumsum(f.sum(axis=1 if tall else 0))
        cut = int(np.clip(np.searchsorted(profile, profile[-1] / 2), 1, profile.size - 1))
        if tall:
            waiting += [(top, top + cut, left, right), (top + cut, bottom, left, right)]
        else:
            waiting += [(top, bottom, left, left + cut), (top, bottom, left + cut, right)]
    return bins


def _outline(instrument: Instrument) -> NDArray[np.bool_]:
    """Return what lies outside the bundle of fibres, a hexagon with two sides along the rows."""
    if instrument.hexagon is None:
        return np.zeros(instrument.shape, dtype=bool)
    x, y = PixelGrid(instrument.pixel_scale).positions(instrument.shape)
    apothem = instrument.hexagon * math.sqrt(3) / 4
    outside = np.abs(y) > apothem
    return outside | (math.sqrt(3) / 2 * np.abs(x) + 0.5 * np.abs(y) > apothem)


def _holes(instrument: Instrument, rng: np.random.Generator) -> NDArray[np.bool_]:
    x, y = PixelGrid(instrument.pixel_scale).positions(instrument.shape)
    mask = np.zeros(instrument.shape, dtype=bool)
    reach = 0.35 * min(instrument.shape) * instrument.pixel_scale
    for _ in range(instrument.stars):
        a, b = rng.uniform(-reach, reach, 2)
        mask |= np.hypot(x - a, y - b) < 1.5
    return mask
