"""`TremaineWeinbergProblem`: the line through the slits on the shared backend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ShapeError
from ..inference import HalfNormal, Parameter, Parameters, Uniform
from ..inference.problem import Problem
from ..provenance import Recorder
from ..randomness import SeedLike, as_seed_sequence
from .budget import sensitivity_budget
from .checks import twofold
from .draws import draw_geometry, draw_noise, evaluate
from .forms import Arctan
from .measure import PatternSpeed, kpc_per_arcsec, require_draws
from .rotation import deprojected_radius
from .slits import Slits, measure_slits
from .toy import ToyGalaxy
from .tremaine_weinberg import SPEED_UNIT, TremaineWeinberg

if TYPE_CHECKING:
    from ..inference.posterior import Posterior

__all__ = ["TremaineWeinbergProblem"]

FloatArray = NDArray[np.float64]
_STEEPEST = 300.0  # km/s/arcsec
_METHOD = (
    "posterior of the line, with geometry from its measured distributions (cut posterior): "
    "median and central interval"
)


@dataclass(frozen=True)
class _SlitNoise:
    """Covariances of the slits, prepared for many slopes at once."""

    positions: FloatArray
    velocities: FloatArray
    cross: FloatArray

    @classmethod
    def of(cls, slits: Slits) -> _SlitNoise:
        n, c = len(slits), slits.covariance
        return cls(c[:n, :n], c[n:, n:], c[:n, n:] + c[n:, :n])

    def matrices(self, slope: FloatArray, scatter: FloatArray) -> FloatArray:
        """Return the covariance of <V> - slope <X> ``(k, n, n)``."""
        b = slope[:, None, None]
        extra = (scatter**2)[:, None, None] * np.eye(self.positions.shape[0])
        return self.velocities + b**2 * self.positions - b * self.cross + extra


class TremaineWeinbergProblem(Problem):
    r"""The line :math:`\langle V \rangle = b \langle X \rangle + V_{sys}` with intrinsic scatter.

    The slits are those of one geometry, the measured one. Their scatter about the line is not used
    to correct that geometry: a wrong line of nodes bends the line so little, and noise, dust and
    streaming so much, that a bar would seem to measure its own inclination. Position angle,
    inclination, centre and bar keep their measured distributions, and :meth:`pattern_speed` brings
    them together with the posterior of the line (a cut posterior).

    Parameters
    ----------
    measurement : TremaineWeinberg
        With errors of the pixels.
    scatter : float
        Scale of the half-normal prior of the intrinsic scatter, km/s.

    Raises
    ------
    InputError
        Without errors of flux and velocity, or with fewer than four slits.

    Examples
    --------
    >>> import astrokit as ak
    >>> g = ak.bars.simulate_galaxy(pattern_speed=20, seed=1)
    >>> problem = ak.bars.TremaineWeinbergProblem(ak.bars.TremaineWeinberg(g))
    >>> problem.parameters.free_names
    ('slope', 'systemic_velocity', 'scatter')
    >>> fit = problem.fit()
    >>> bool(abs(fit["slope"].value / problem.measurement.line.slope - 1) < 0.05)
    True
    """

    statistic = "slits"
    citation_keys = ("tremaine1984",)

    def __init__(self, measurement: TremaineWeinberg, *, scatter: float = 10.0) -> None:
        if not isinstance(measurement, TremaineWeinberg):
            raise InputError(
                "a measurement is needed",
                value=type(measurement).__name__,
                hint="TremaineWeinbergProblem(TremaineWeinberg(maps))",
            )
        if not measurement.slits.has_errors:
            raise InputError(
                "the slits have no errors, so that the line has no likelihood",
                hint="give the maps flux_error= and velocity_error=",
            )
        if len(measurement.slits) < 4:
            raise InputError(
                "a line with scatter needs four slits",
                value=len(measurement.slits),
                hint="lay more slits: SlitLayout(n_slits=7)",
            )
        self._measurement = measurement
        self._scatter = HalfNormal(scatter)
        self._set_slits(measurement.slits)
        super().__init__(self._make_parameters())

    def _set_slits(self, slits: Slits) -> None:
        self._slits = slits
        self._noise = _SlitNoise.of(slits)

    def _make_parameters(self) -> Parameters:
        line, velocity = self._measurement.line, self._measurement.pixels.velocity
        rms = float(np.sqrt(np.mean(line.residual**2)))
        middle, reach = float(np.median(velocity)), 2 * float(np.ptp(velocity)) + 100.0
        return Parameters(
            [
                Parameter(
                    "slope",
                    float(np.clip(line.slope, -0.99 * _STEEPEST, 0.99 * _STEEPEST)),
                    Uniform(-_STEEPEST, _STEEPEST),
                    SPEED_UNIT,
                    r"\Omega \sin i",
                ),
                Parameter(
                    "systemic_velocity",
                    line.intercept,
                    Uniform(middle - reach, middle + reach),
                    "km/s",
                    r"V_\mathrm{sys}",
                ),
                Parameter("scatter", max(rms, 0.1), self._scatter, "km/s", r"\sigma"),
            ]
        )

    # -- data --------------------------------------------------------------------------------

    @property
    def measurement(self) -> TremaineWeinberg:
        """The measurement whose geometry, field and slits are the design."""
        return self._measurement

    @property
    def data(self) -> Slits:
        """The slits."""
        return self._slits

    def with_data(self, data: Slits) -> Self:
        if not isinstance(data, Slits) or len(data) != len(self._slits):
            raise ShapeError(
                "the data of this problem are as many slits",
                value=type(data).__name__ if not isinstance(data, Slits) else len(data),
                allowed=str(len(self._slits)),
            )
        other = type(self)(self._measurement, scatter=self._scatter.sigma)
        other._set_slits(data)
        return other.with_parameters(self.parameters)

    def data_arrays(self) -> Mapping[str, NDArray[Any]]:
        return {
            "a_position": self._slits.position,
            "velocity": self._slits.velocity,
            "covariance": self._slits.covariance,
        }

    def settings(self) -> Mapping[str, Any]:
        g = self._measurement.geometry
        return {
            "geometry": {name: e.as_dict() for name, e in g.estimates.items()},
            "offsets": self._slits.offset.tolist(),
        }

    # -- the model ---------------------------------------------------------------------------

    def _log_likelihood(self, values: FloatArray) -> FloatArray:
        slope, system, scatter = values.T
        residual = self._slits.velocity - slope[:, None] * self._slits.position - system[:, None]
        root = np.linalg.cholesky(self._noise.matrices(slope, scatter))
        white = np.linalg.solve(root, residual[..., None])[..., 0]
        log_det = 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        constant = residual.shape[1] * math.log(2 * math.pi)
        result: FloatArray = -0.5 * ((white**2).sum(axis=1) + log_det + constant)
        return result

    def toy(self, slope: float) -> ToyGalaxy:
        """Return a toy galaxy like this one: its geometry, its bar, its disc and rotation curve.

        Parameters
        ----------
        slope : float
            Pattern speed times sin i, with its sign, km/s/arcsec.
        """
        tw = self._measurement
        g, curve = tw.geometry, tw.rotation_curve
        angle = g.bar_position_angle.value - g.position_angle.value
        inclination = g.inclination.value
        bar = float(deprojected_radius(g.bar_radius.value, angle, inclination))
        form = curve.form if curve.form.flat_velocity > 0 else Arctan(1.0, bar)
        strength = twofold(tw.pixels, tw.maps)[1]
        return ToyGalaxy(
            pattern_speed=curve.sense * slope / tw.sine,
            inclination=inclination,
            bar_angle=angle,
            bar_radius=bar,
            bar_strength=float(np.clip(strength, 0.1, 0.8)),
            scale_length=self._scale_length(bar),
            rotation=form,
        )

    def _scale_length(self, bar: float) -> float:
        """Return that of the exponential disc whose light has the same mean radius."""
        tw = self._measurement
        x, y = tw.pixels.frame(tw.geometry)
        radius = np.hypot(x, y / math.cos(math.radians(tw.geometry.inclination.value)))
        flux = tw.pixels.flux
        inside = radius <= np.quantile(radius, 0.9)
        mean = float(np.sum((flux * radius)[inside]) / np.sum(flux[inside])) * tw.pixels.scale
        return float(np.clip(mean / 1.5, 0.2 * bar, 5 * bar))

    def _simulate_data(self, values: FloatArray, rng: np.random.Generator) -> Slits:
        """Return the slits of a noisy toy galaxy on the same pixels."""
        tw, pixels = self._measurement, self._measurement.pixels
        slope, system, scatter = values
        x, y = (v * pixels.scale for v in pixels.frame(tw.geometry))
        flux, velocity = self.toy(float(slope)).evaluate(x, y)
        flux = flux * (pixels.flux.sum() / flux.sum())
        velocity = tw.sense * velocity + system
        for values_, variance, group in (
            (flux, pixels.flux_variance, pixels.point),
            (velocity, pixels.velocity_variance, pixels.bins),
        ):
            values_ += np.sqrt(variance) * rng.standard_normal(int(group.max()) + 1)[group]
        slits = measure_slits(pixels.with_values(flux, velocity), tw.aperture)[0]
        jitter = scatter * rng.standard_normal(len(slits))
        return replace(slits, velocity=slits.velocity + jitter)

    def _reservations(self, values: FloatArray) -> tuple[str, ...]:
        return tuple(str(flag) for flag in self._measurement.flags)

    # -- the pattern speed -------------------------------------------------------------------

    def pattern_speed(
        self,
        posterior: Posterior,
        *,
        n_draws: int = 1000,
        seed: SeedLike = None,
        distance: Any = None,
        redshift: float | None = None,
        cosmology: Any = None,
    ) -> PatternSpeed:
        """Return pattern speed, corotation radius and R from the posterior of the line.

        Each draw takes a slope from the posterior and a geometry from its measured distributions;
        the slope moves by what the slits of that geometry say beside those of the measured one.

        Parameters
        ----------
        posterior : Posterior
            Of this problem.
        n_draws : int
        seed : int, SeedSequence or Generator, optional
        distance, redshift, cosmology : optional
            As for :func:`pattern_speed`.

        Raises
        ------
        InputError
            For a posterior of other data, or fewer than 20 draws.
        """
        if getattr(posterior, "data_checksum", None) != self.data_checksum:
            raise InputError(
                "this is no posterior of these slits",
                value=type(posterior).__name__,
                hint="pass what problem.sample() of this problem returned",
            )
        require_draws(n_draws)
        sequence = as_seed_sequence(seed)
        recorder = Recorder(
            "astrokit.bars.TremaineWeinbergProblem.pattern_speed",
            {"n_draws": n_draws, "distance": distance, "redshift": redshift},
            inputs=self.provenance_inputs(),
            seed=sequence,
            citations=(*self.citation_keys, "courteau1997", *posterior.provenance.citations),
        )
        pick, geometry_seed, noise_seed = (np.random.default_rng(s) for s in sequence.spawn(3))
        tw = self._measurement
        draws = draw_geometry(tw.geometry, n_draws, geometry_seed)
        found = evaluate(tw, draws, noise=(np.zeros(1), draw_noise(tw, n_draws, noise_seed)[1]))
        slopes = posterior.draws("slope")
        chosen = slopes[pick.integers(slopes.size, size=n_draws)]
        moved = tw.sense * (chosen - tw.line.slope) / np.sin(np.radians(draws.inclination))
        outcome = found.with_pattern_speed(found.pattern_speed + moved, tw.form)
        scale = kpc_per_arcsec(distance, redshift, cosmology)
        return PatternSpeed(tw, outcome, sensitivity_budget(tw), scale, _METHOD, recorder.finish())
