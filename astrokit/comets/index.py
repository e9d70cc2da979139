"""`fit_index`: the heliocentric index of a comet in one call, with its error bar whole."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..estimate import Estimate
from ..provenance import quiet
from .checks import default_offsets, require_photometry
from .laws import HeliocentricLaw
from .noise import Noise
from .phase import PhaseFunction
from .photometry import CometPhotometry
from .problem import HeliocentricProblem

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..inference.fit_result import Fit
    from ..inference.posterior import Posterior
    from ..provenance import Provenance
    from ..randomness import SeedLike

__all__ = ["IndexResult", "fit_index"]


@dataclass(frozen=True)
class IndexResult:
    """The heliocentric index of a comet.

    Attributes
    ----------
    problem : HeliocentricProblem
    fit : Fit
        Maximum likelihood with the phase function held at the middle of its prior, which a
        likelihood does not know.
    posterior : Posterior
        Where the estimates come from.
    """

    problem: HeliocentricProblem = field(repr=False)
    fit: Fit = field(repr=False)
    posterior: Posterior = field(repr=False)

    def _estimate(self, name: str) -> Estimate:
        parameter = self.problem.parameters[name]
        if parameter.fixed:
            return Estimate(parameter.value, 0.0, unit=parameter.unit, name=name, method="fixed")
        return self.posterior[name]

    @property
    def indices(self) -> dict[str, Estimate]:
        """All indices of the law by name: one, inner and outer, or those of two branches."""
        names = [p.name for p in self.problem.law.parameters if p.name.endswith("index")]
        return {name: self._estimate(name) for name in names}

    @property
    def index(self) -> Estimate:
        """The exponent n of the flux, ``F ~ r^-n Delta^-2`` (2 for a bare body).

        Raises
        ------
        InputError
            Where the law has two of them; see :attr:`indices`.
        """
        indices = self.indices
        if len(indices) > 1:
            raise InputError(
                "this law has several indices", value=list(indices), hint="take result.indices"
            )
        return next(iter(indices.values()))

    @property
    def dust_index(self) -> Estimate:
        """The exponent ``n - 2`` of the cross-section of the dust, ``C ~ r^-(n - 2)``."""
        return _transformed(self.index, 1.0, -2.0, "dust_index")

    @property
    def activity_slope(self) -> Estimate:
        """The slope ``K = 2.5 n`` of ``m1 = H + 5 log Delta + K log r``."""
        return _transformed(self.index, 2.5, 0.0, "activity_slope")

    @property
    def absolute_magnitude(self) -> Estimate:
        """The magnitude H = m(1, 1, 0) at 1 au from Sun and observer and zero phase."""
        return self._estimate("absolute_magnitude")

    @property
    def phase_coefficient(self) -> Estimate:
        """Magnitudes per degree of the linear phase function.

        Raises
        ------
        InputError
            Where the phase function has none.
        """
        if "phase_coefficient" not in self.problem.parameters:
            raise InputError(f"{type(self.problem.phase).__name__} has no phase coefficient")
        return self._estimate("phase_coefficient")

    @property
    def scatter(self) -> Estimate:
        """The intrinsic scatter in magnitudes (a scale, for Student's t)."""
        return self._estimate("scatter")

    @property
    def correlation(self) -> float:
        """Correlation of index and phase coefficient in the posterior; NaN if one is fixed."""
        names = (*self.indices, "phase_coefficient")
        if len(names) != 2 or any(name not in self.posterior.names for name in names):
            return float("nan")
        n, beta = (self.posterior.draws(name) for name in names)
        return float(np.corrcoef(n, beta)[0, 1])

    @property
    def phase_leverage(self) -> dict[str, float]:
        """``dn/dbeta``: change of each index per mag/deg, all else fitted along."""
        moves = self.problem.phase_leverage(self.fit.values)
        names = [p.name for p in self.problem.law.parameters]
        return {name: float(m) for name, m in zip(names, moves, strict=True) if "index" in name}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader must know, of fit and posterior."""
        texts = [*self.fit.warnings, *self.posterior.provenance.warnings]
        return tuple(dict.fromkeys(re.sub(r"^\w+Warning: ", "", text) for text in texts))

    @property
    def provenance(self) -> Provenance:
        """Of the posterior."""
        return self.posterior.provenance

    def plot(self, axes: Any = None) -> NDArray[Any]:
        """Draw magnitudes against distance; see :func:`~astrokit.comets.plot_index`."""
        from .plots import plot_index

        return plot_index(self, axes)

    def corner(self) -> Figure:
        """Return the corner plot of the posterior."""
        return self.posterior.corner()

    def __str__(self) -> str:
        lines = [f"heliocentric index of {self.problem.photometry.name or 'the comet'}"]
        for name, estimate in self.indices.items():
            lines.append(f"  {name.replace('_', ' ')} n: {_bare(estimate)}")
        if len(self.indices) == 1:
            lines.append(f"  cross-section index n - 2: {_bare(self.dust_index)}")
            lines.append(f"  activity slope K = 2.5 n: {_bare(self.activity_slope)}")
        lines.append(f"  H = m(1,1,0): {_bare(self.absolute_magnitude)}")
        if "phase_coefficient" in self.problem.parameters:
            lines.append(f"  phase coefficient: {self._phase_line()}")
        lines.append(f"  scatter: {_bare(self.scatter)}")
        lines.append(f"  {self.posterior.verdict}")
        lines += [f"  note: {text}" for text in self.warnings]
        return "\n".join(lines)

    def _phase_line(self) -> str:
        moves = ", ".join(f"{0.01 * m:+.2f}" for m in self.phase_leverage.values())
        effect = f"n moves by {moves} per +0.01 mag/deg"
        if self.problem.parameters["phase_coefficient"].fixed:
            value = self.problem.parameters["phase_coefficient"].value
            return f"{value:g} mag / deg, taken as exact (not in the errors: {effect})"
        text = f"{_bare(self.phase_coefficient)}; {effect}"
        return f"{text}, correlation {self.correlation:.2f}" if len(self.indices) == 1 else text

    def _repr_html_(self) -> str:
        from html import escape

        return f"<pre>{escape(str(self))}</pre>"


def _transformed(estimate: Estimate, factor: float, shift: float, name: str) -> Estimate:
    return Estimate(
        factor * estimate.value + shift,
        factor * estimate.lower,
        factor * float(estimate.upper),  # type: ignore[arg-type]
        estimate.unit,
        estimate.level,
        estimate.method,
        name,
    )


def _bare(estimate: Estimate) -> str:
    return str(estimate).split(" = ", 1)[-1]


def fit_index(
    photometry: CometPhotometry,
    *,
    phase: PhaseFunction | None = None,
    law: HeliocentricLaw | None = None,
    noise: Noise | None = None,
    offsets: tuple[str, ...] | None = None,
    seed: SeedLike = None,
    **sampling: Any,
) -> IndexResult:
    """Return the heliocentric index of a comet with its error, phase uncertainty included.

    Parameters
    ----------
    photometry : CometPhotometry
        With geometry.
    phase : PhaseFunction, optional
        ``LinearPhase((0.04, 0.02))`` by default: 0.04 +- 0.02 mag/deg.
    law : HeliocentricLaw, optional
        :class:`SingleIndex` by default; :class:`BrokenIndex`, :class:`BranchIndices`.
    noise : Noise, optional
        :class:`StudentTNoise` with 4 degrees of freedom by default.
    offsets : tuple of str, optional
        Columns with zero points of their own; filters by default, where there are several.
    seed : int, SeedSequence or Generator, optional
    **sampling
        Passed to :meth:`astrokit.inference.Problem.sample`.

    Returns
    -------
    IndexResult

    Raises
    ------
    InputError
        When the data cannot tell an index; says why.

    Warns
    -----
    CoverageWarning
        For mixed apertures, which no error bar contains.

    Examples
    --------
    >>> import numpy as np, astrokit as ak
    >>> rng = np.random.default_rng(1)
    >>> r = np.linspace(4.5, 1.8, 40)
    >>> ph = ak.comets.CometPhotometry(
    ...     60850 + np.arange(40.0),
    ...     6 + 5 * np.log10(3) + 9.5 * np.log10(r) + 0.05 * rng.standard_normal(40),
    ...     error=0.05, r=r, delta=3.0, phase_angle=np.full(40, 5.0))
    >>> result = ak.comets.fit_index(ph, seed=1)
    >>> abs(result.index.sigma_from(3.8)) < 3
    True
    """
    require_photometry(photometry)
    offsets = default_offsets(photometry) if offsets is None else offsets
    problem = HeliocentricProblem(photometry, phase=phase, law=law, noise=noise, offsets=offsets)
    with quiet():  # what both would say of the data is said once, by the sampler
        fit = _with_phase_held(problem).fit()
    return IndexResult(problem, fit, problem.sample(seed=seed, **sampling))


def _with_phase_held(problem: HeliocentricProblem) -> HeliocentricProblem:
    """Return the problem with its phase function fixed at the middle of its prior.

    A likelihood knows no prior: index and phase coefficient together would run to the end of a
    ridge that means nothing.
    """
    held = {p.name: p.value for p in problem.phase.parameters if p.is_free}
    return problem.with_parameters(problem.parameters.fix(**held)) if held else problem
