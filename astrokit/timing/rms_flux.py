"""The rms-flux relation: whether a source varies more strongly while it is bright.

Linear for accreting sources and jets (Uttley & McHardy 2001), which a process with a Gaussian
logarithm has, and one that is Gaussian itself has not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ShapeError
from ..estimate import Estimate
from ..provenance import Provenance, Recorder, quiet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ..inference import CurveProblem, Fit
    from ..lightcurve import LightCurve

__all__ = ["RmsFluxPlotData", "RmsFluxRelation", "rms_flux_relation"]

FloatArray = NDArray[np.float64]
_FEWEST_SEGMENTS = 20
_WANTED_SEGMENTS = 100
_PER_POINT = 10  # segments averaged, at least: their variances scatter by their own size
_MOST_POINTS = 20
_LINE_POINTS = 100  # of the drawn line, which may have a kink
_SHORTEST = 5  # bins of a segment that may be asked for
_DEFAULT = (8, 100)  # and if nothing is


@dataclass(frozen=True)
class RmsFluxPlotData:
    """What the figure of an rms-flux relation draws.

    Attributes
    ----------
    flux, rms, lower, upper : ndarray, shape (k,)
        Points with distances to the ends of their intervals; rms is 0 where no variance is left
        after the noise.
    line_flux, line_rms : ndarray, shape (n,)
        The fitted line, 0 where it would be negative.
    flux_label, rms_label : str
    """

    flux: FloatArray
    rms: FloatArray
    lower: FloatArray
    upper: FloatArray
    line_flux: FloatArray
    line_rms: FloatArray
    flux_label: str
    rms_label: str


@dataclass(frozen=True, eq=False, repr=False)
class RmsFluxRelation:
    """Rms within short segments against their mean flux, and the line through it.

    Attributes
    ----------
    flux, excess_variance, error : ndarray, shape (k,)
        Means over groups of segments of similar flux: flux, variance in excess of noise (which may
        be negative), and its standard error.
    slope, intercept, rms_at_mean : Estimate
        Of the line rms = intercept + slope * flux (0 where that is negative), and its height at
        the mean flux.
    n_segments, bins_per_segment : int
    relative_scatter : float
        Standard deviation of the variances of segments about the line, over their mean.
    fit : Fit
    rate_unit : str
    provenance : Provenance
    """

    flux: FloatArray
    excess_variance: FloatArray
    error: FloatArray
    slope: Estimate
    intercept: Estimate
    rms_at_mean: Estimate
    n_segments: int
    bins_per_segment: int
    relative_scatter: float
    fit: Fit
    rate_unit: str
    provenance: Provenance

    @property
    def significance(self) -> float:
        """The slope over its error: how sure it is that rms changes with flux."""
        return self.slope.value / self.slope.error

    def plot_data(self) -> RmsFluxPlotData:
        """Return the numbers that :meth:`plot` draws."""
        v, e = self.excess_variance, self.error
        rms, low, high = (np.sqrt(np.maximum(x, 0.0)) for x in (v, v - e, v + e))
        grid = np.linspace(self.flux[0], self.flux[-1], _LINE_POINTS)
        unit = f" ({self.rate_unit})" if self.rate_unit else ""
        line = np.maximum(self.intercept.value + self.slope.value * grid, 0.0)
        return RmsFluxPlotData(
            self.flux, rms, rms - low, high - rms, grid, line, f"Mean rate{unit}", f"Rms{unit}"
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the points with the fitted line."""
        from .plots import _colors, _new_axes

        data, ax = self.plot_data(), _new_axes() if ax is None else ax
        ax.errorbar(data.flux, data.rms, [data.lower, data.upper], fmt="o", ms=4, color="0.15")
        label = f"slope {self.slope.value:.3f} \u00b1 {self.slope.error:.3f}"
        ax.plot(data.line_flux, data.line_rms, color=_colors()[0], lw=1.8, label=label)
        ax.set(xlabel=data.flux_label, ylabel=data.rms_label)
        ax.legend(frameon=False, fontsize="small")
        return ax

    def __repr__(self) -> str:
        return (
            f"RmsFluxRelation: {self.n_segments} segments of {self.bins_per_segment} bins in "
            f"{self.flux.size} points\n  {self.slope} ({self.significance:.1f} sigma)\n"
            f"  {self.intercept}\n  {self.rms_at_mean}"
        )


def rms_flux_relation(
    lightcurve: LightCurve, *, segment: int | None = None, points: int | None = None
) -> RmsFluxRelation:
    r"""Return the rms-flux relation of a light curve, corrected for measurement noise.

    Parameters
    ----------
    lightcurve : LightCurve
        With errors, on a regular grid; segments do not cross gaps.
    segment : int, optional
        Bins per segment, >= 5. By default for some 100 segments, of 8 bins at least.
    points : int, optional
        Groups of segments in the order of flux, >= 3; at least ten segments each by default.

    Returns
    -------
    RmsFluxRelation

    Raises
    ------
    InputError
        For a curve without errors, magnitudes, irregular sampling, options out of range, or
        segments that vary by no more than their noise.
    ShapeError
        For fewer than twenty whole segments.

    Notes
    -----
    The line is fitted to the variances of all segments, not to roots of averages: a mean variance
    is unbiased also where noise makes some negative, and a root is not. All segments weigh the
    same. Their variances scatter in proportion to the line and, known from the errors, by noise;
    errors follow from that scatter. Squared residuals one by one (HC3) made the error of the
    intercept too small by 5 to 25 % in simulations, and weights that follow the fitted line all
    errors by a tenth to a half, because the variance of a segment of red noise scatters by about
    its own size: few segments decide. Neighbouring segments are not correlated in what is left.

    References
    ----------
    Uttley & McHardy 2001, MNRAS 323, L26; Uttley, McHardy & Vaughan 2005, MNRAS 359, 345.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> time = np.arange(50.0, 204800.0, 100.0)
    >>> g = ak.timing.timmer_koenig(lambda f: 2e-5 * f**-1.5, 2048, 100.0, seed=5)
    >>> lc = ak.LightCurve(time, 10 * np.exp(g), np.full(2048, 0.05))
    >>> relation = ak.timing.rms_flux_relation(lc)
    >>> relation.significance > 3
    True
    >>> abs(relation.intercept.sigma_from(0.0)) < 3
    True
    """
    recorder = Recorder(
        "astrokit.timing.rms_flux_relation",
        {"segment": segment, "points": points},
        inputs=[lightcurve.provenance_inputs()] if hasattr(lightcurve, "info") else [],
        citations=("uttley2001", "uttley2005"),
    )
    rate, noise, size = _segments(lightcurve, segment)
    mean, variance = rate.mean(axis=1), rate.var(axis=1, ddof=1)
    groups = np.array_split(np.argsort(mean), _point_count(points, mean.size))
    center = float(mean.mean())
    excess, offset = variance - noise, mean - center
    _require_variable(excess, size)
    with quiet():
        fit = _line_problem(offset, excess).fit(n_starts=3)
    covariance = _sandwich(offset, excess, _noise_of_variance(noise, size, fit, offset), fit)
    info = lightcurve.info
    slope, intercept, height = _estimates(fit, covariance, center, info.rate_unit)
    return RmsFluxRelation(
        np.array([mean[g].mean() for g in groups]),
        np.array([excess[g].mean() for g in groups]),
        np.array([excess[g].std(ddof=1) / math.sqrt(g.size) for g in groups]),
        slope,
        intercept,
        height,
        int(mean.size),
        size,
        _relative_scatter(offset, excess, fit),
        fit,
        info.rate_unit,
        recorder.finish(),
    )


# -- parts ----------------------------------------------------------------------------------------


def _segments(lightcurve: LightCurve, segment: int | None) -> tuple[FloatArray, FloatArray, int]:
    """Return rates ``(m, size)`` of whole segments, their mean squared errors, and the size."""
    from .variability import _rate_and_error

    if not hasattr(lightcurve, "exposure_fraction"):
        raise InputError(
            "an rms-flux relation needs a light curve", value=type(lightcurve).__name__
        )
    _rate_and_error(lightcurve, None)  # refuses magnitudes and a curve without errors
    grid = lightcurve.on_regular_grid()
    valid = grid.valid
    if segment is None:
        segment = int(np.clip(valid.sum() // _WANTED_SEGMENTS, *_DEFAULT))
    if segment != int(segment) or segment < _SHORTEST:
        raise InputError("a segment is too short", value=segment, allowed=f">= {_SHORTEST} bins")
    size = int(segment)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], valid.astype(np.int64), [0]])))
    starts = [
        np.arange(a, b - size + 1, size) for a, b in zip(edges[::2], edges[1::2], strict=True)
    ]
    first = np.concatenate(starts) if starts else np.empty(0, dtype=np.int64)
    if first.size < _FEWEST_SEGMENTS:
        raise ShapeError(
            f"an rms-flux relation needs more segments of {size} bins without a gap",
            value=first.size,
            allowed=f">= {_FEWEST_SEGMENTS}",
            hint="use shorter segments or bins",
        )
    rows = first[:, None] + np.arange(size)
    error = np.asarray(grid.error)[rows]
    return grid.rate[rows], np.mean(error**2, axis=1), size


def _require_variable(excess: FloatArray, size: int) -> None:
    if not excess.mean() > 0:
        raise InputError(
            f"segments of {size} bins vary by no more than their noise, so their rms is unknown",
            value=f"a mean excess variance of {excess.mean():.3g}",
            hint="use longer segments; the source may be constant on shorter time scales",
        )


def _point_count(points: int | None, n: int) -> int:
    if points is None:
        return int(np.clip(n // _PER_POINT, 3, _MOST_POINTS)) if n >= 3 * _PER_POINT else 3
    if points != int(points) or not 3 <= points <= n // 2:
        raise InputError("this number of points cannot be used", value=points,
                         allowed=f"3 to {n // 2}")  # fmt: skip
    return int(points)


def _line_problem(offset: FloatArray, excess: FloatArray) -> CurveProblem:
    """Return variances of segments against the square of a line, all of one weight."""
    from ..inference import CurveProblem, Parameter, Parameters, Uniform

    spread = float(excess.std(ddof=1))
    top = math.sqrt(max(float(excess.max()), spread, 1e-300))
    height = math.sqrt(max(float(excess.mean()), 0.01 * top**2))
    steepest = 8 * top / float(np.ptp(offset))
    parameters = Parameters(
        [
            Parameter("rms_at_mean", height, Uniform(0.0, 4 * top)),
            Parameter("slope", 0.0, Uniform(-steepest, steepest)),
        ]
    )
    return CurveProblem(
        offset, excess, np.full(offset.size, max(spread, 1e-300)), _squared_line, parameters
    )


def _squared_line(
    x: FloatArray, height: FloatArray | float, slope: FloatArray | float
) -> FloatArray:
    # Where the line would be negative there is no rms; its square would rise again.
    return np.maximum(height + slope * x, 0.0) ** 2


def _noise_of_variance(noise: FloatArray, size: int, fit: Fit, offset: FloatArray) -> FloatArray:
    """Return by how much measurement noise scatters the variance of each segment, squared."""
    line = _squared_line(offset, fit.values["rms_at_mean"], fit.values["slope"])
    return (2 * noise**2 + 4 * line * noise) / (size - 1)


def _sandwich(offset: FloatArray, excess: FloatArray, noise: FloatArray, fit: Fit) -> FloatArray:
    """Return the covariance ``(2, 2)``: scatter in proportion to the line, and `noise` besides.

    Residuals tell how large the scatter is in all, not for each segment: single squares of such
    skewed numbers are small more often than not.
    """
    root = np.maximum(fit.values["rms_at_mean"] + fit.values["slope"] * offset, 0.0)
    squares = (excess - root**2) ** 2 * excess.size / (excess.size - 2)
    proportion = max(float(np.sum(squares - noise)), 0.0) / max(float(np.sum(root**4)), 1e-300)
    scatter = proportion * root**4 + noise
    jacobian = np.column_stack([2 * root, 2 * root * offset])
    bread = np.linalg.pinv(jacobian.T @ jacobian)
    return bread @ (jacobian.T * scatter) @ jacobian @ bread


def _relative_scatter(offset: FloatArray, excess: FloatArray, fit: Fit) -> float:
    line = _squared_line(offset, fit.values["rms_at_mean"], fit.values["slope"])
    return float(np.std(excess - line) / np.mean(line)) if np.mean(line) > 0 else math.inf


def _estimates(
    fit: Fit, covariance: FloatArray, center: float, unit: str
) -> tuple[Estimate, Estimate, Estimate]:
    """Return slope, intercept and height at the mean with errors."""
    method = "least squares on the variances of segments, errors from their scatter"
    height, slope = fit.values["rms_at_mean"], fit.values["slope"]

    def made(value: float, gradient: list[float], name: str, unit: str | None) -> Estimate:
        error = math.sqrt(max(float(np.array(gradient) @ covariance @ gradient), 0.0))
        return Estimate(value, error, name=name, unit=unit, method=method)

    return (
        made(slope, [0.0, 1.0], "rms_flux_slope", None),
        made(height - center * slope, [1.0, -center], "rms_flux_intercept", unit or None),
        made(height, [1.0, 0.0], "rms_at_mean_flux", unit or None),
    )
