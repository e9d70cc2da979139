"""When an F-test between two spectral models holds, and when only simulations do."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ComparisonError
from ..inference.fit_result import Fit
from .components import BrokenPowerLaw, GaussianLine, SmoothlyBrokenPowerLaw
from .models import SpectralModel

__all__ = ["FTest", "f_test", "irregularities"]

# Parameters that mean nothing where the component is absent, and what to say.
_UNDEFINED: dict[Any, tuple[tuple[str, ...], str]] = {
    GaussianLine: (("line_energy", "line_width"), "the energy of a line means nothing without it"),
    BrokenPowerLaw: (("break_energy",), "the break energy means nothing without a break"),
    SmoothlyBrokenPowerLaw: (
        ("break_energy", "break_width"),
        "the break energy means nothing without a break",
    ),
}


@dataclass(frozen=True)
class FTest:
    """The F-test for additional parameters.

    Attributes
    ----------
    f : float
        Fall of chi2 per additional parameter, over chi2 per degree of freedom.
    p_value : float
        Probability of a larger F if the simple model is true.
    extra : int
        Additional parameters.
    dof : int
        Degrees of freedom of the complex model.
    """

    f: float
    p_value: float
    extra: int
    dof: int

    def __repr__(self) -> str:
        return f"F({self.extra}, {self.dof}) = {self.f:.4g}, p = {self.p_value:.3g}"


def irregularities(simple: Fit, complex: Fit) -> tuple[str, ...]:
    """Return why a chi-square or F distribution does not hold between two fits, in sentences.

    Empty where it holds, to the extent that the data are many (Protassov et al. 2002).
    """
    before = [type(c) for c in _model(simple).components]
    reasons = []
    model = _model(complex)
    names = iter(model.names)
    for component in model.components:
        own = dict(zip(component.own_names, names, strict=False))
        kind = type(component)
        if kind in before:
            before.remove(kind)
        elif kind in _UNDEFINED:
            reasons += _why(kind, own, complex)
    for name, state in zip(complex.parameters.free_names, complex.states, strict=True):
        if state.startswith("at"):
            reasons.append(f"{name} is {state}")
    return tuple(dict.fromkeys(reasons))


def f_test(simple: Fit, complex: Fit) -> FTest:
    """Return the F-test for the additional parameters of `complex`.

    Parameters
    ----------
    simple, complex : Fit
        Of nested models, of the same data, with one of the chi2 statistics.

    Returns
    -------
    FTest

    Raises
    ------
    ComparisonError
        Where it does not hold: for a line, a break, a parameter at its bound, counts with a Poisson
        statistic, other data, or no additional parameter. Then simulate with
        :func:`astrokit.likelihood_ratio_test`.

    Examples
    --------
    >>> import numpy as np
    >>> import astrokit as ak
    >>> from astrokit.spectra import LogParabola, PowerLaw, SpectralProblem
    >>> energy = np.geomspace(0.5, 8.0, 40)
    >>> curved = LogParabola().density(energy, alpha=2.0, beta=0.5, norm=1e-3)
    >>> rng = np.random.default_rng(1)
    >>> points = ak.spectra.FluxPoints(energy, curved * rng.normal(1, 0.1, 40), 0.1 * curved)
    >>> straight, bent = (
    ...     SpectralProblem(points, model).fit() for model in (PowerLaw(), LogParabola())
    ... )
    >>> ak.spectra.f_test(straight, bent).p_value < 1e-3
    True
    """
    if simple.data_checksum != complex.data_checksum:
        raise ComparisonError("the two fits are not of the same data")
    hint = "simulate: likelihood_ratio_test(simple, complex, n)"
    names = {simple.statistic_name, complex.statistic_name}
    if len(names) > 1 or not all(name.startswith("chi2") for name in names):
        raise ComparisonError(
            "the F-test needs chi2 in both fits", value=", ".join(sorted(names)), hint=hint
        )
    extra = complex.n_free - simple.n_free
    if extra < 1:
        raise ComparisonError("the second model has no additional parameter", value=extra)
    reasons = irregularities(simple, complex)
    if reasons:
        raise ComparisonError(f"the F-test does not hold here: {'; '.join(reasons)}", hint=hint)
    from scipy.special import fdtrc

    gain = simple.statistic - complex.statistic
    if gain < 0:
        raise ComparisonError("the complex model fits worse, so the two are not nested", value=gain)
    f = (gain / extra) / (complex.statistic / complex.dof) if complex.statistic > 0 else math.inf
    p = float(fdtrc(extra, complex.dof, f)) if np.isfinite(f) else 0.0
    return FTest(f, p, extra, complex.dof)


def _why(kind: Any, own: dict[str, str], fit: Fit) -> list[str]:
    """Return what is irregular about a component that the simple model lacks."""
    undefined, sentence = _UNDEFINED[kind]
    reasons = [sentence] if any(fit.parameters[own[name]].is_free for name in undefined) else []
    strength = fit.parameters[own["normalization"]]
    lowest = strength.prior.support[0] if strength.is_free and strength.prior else -math.inf
    if kind is GaussianLine and lowest >= 0:
        reasons.append("the strength of an absent line lies at the end of its allowed range")
    return reasons


def _model(fit: Fit) -> SpectralModel:
    model = getattr(fit.require_problem(), "model", None)
    if not isinstance(model, SpectralModel):
        raise ComparisonError("these are no fits of spectra", value=fit.label)
    return model
