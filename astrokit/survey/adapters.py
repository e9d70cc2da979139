"""The built-in analyses of a survey: read one target, run the analysis, name what comes out.

Options are plain values, so that a configuration file can hold them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..randomness import spawn
from .targets import Target
from .values import Answer

if TYPE_CHECKING:
    from ..timing.measures import Measure

__all__ = ["characterize", "fit_index", "fit_spectrum", "find_break", "hc", "pattern_speed"]

Settings = Mapping[str, Any] | None


def characterize(
    target: Target,
    *,
    seed: np.random.SeedSequence,
    measures: Sequence[str] | None = None,
    settings: Mapping[str, Settings] | None = None,
    read: Settings = None,
) -> Answer:
    """Measure everything that applies to a light curve: :func:`astrokit.timing.characterize`.

    Parameters
    ----------
    target : Target
        With the file of a light curve.
    seed : SeedSequence
    measures : sequence of str, optional
        Kinds of measures; all by default.
    settings : mapping, optional
        Options of measures by their name, such as ``{"amplitudes": {"scatter": 0}}``.
    read : mapping, optional
        Options of :func:`astrokit.read_lightcurve`.
    """
    from ..lightcurve import read_lightcurve
    from ..timing import characterize as measure_all

    lc = read_lightcurve(target.file(), **(read or {}))
    result = measure_all(lc, measures=_measures(measures, settings or {}), seed=seed)
    values: dict[str, Any] = {
        row.name: row.value or row.text or None for row in result.measurements
    }
    values["not_applicable"] = "; ".join(f"{k}: {v}" for k, v in result.reasons.items())
    return Answer(values, result.provenance.citations)


def _measures(names: Sequence[str] | None, settings: Mapping[str, Settings]) -> list[Measure]:
    from ..timing.measures import as_measures

    chosen = {m.name: m for m in as_measures(names)}
    unknown = sorted(set(settings) - set(chosen))
    if unknown:
        raise InputError(
            "settings of what is not measured", value=unknown, allowed=", ".join(chosen)
        )
    return [
        _made(type(m), name, settings.get(name) or {}) if name in settings else m
        for name, m in chosen.items()
    ]


def _made(kind: type[Any], name: str, options: Mapping[str, Any]) -> Any:
    try:
        return kind(**options)
    except TypeError as error:
        raise InputError(f"the settings of {name} do not fit", value=str(error)) from error


def fit_spectrum(
    target: Target,
    *,
    seed: np.random.SeedSequence,
    model: str = "powerlaw",
    statistic: str = "auto",
    band: Sequence[float] | None = None,
    n_starts: int = 2,
    read: Settings = None,
) -> Answer:
    """Fit a model to a spectrum: :class:`astrokit.spectra.SpectralProblem`.

    Parameters
    ----------
    target : Target
        With a PHA file.
    seed : SeedSequence
        Not needed: a fit is the same every time.
    model : str
        As in XSPEC, such as ``"tbabs*powerlaw"``; see :func:`astrokit.spectra.from_xspec`.
    statistic : str
    band : (low, high), optional
        keV.
    n_starts : int
        Searches.
    read : mapping, optional
        Options of :func:`astrokit.spectra.read_pha`.
    """
    from .. import spectra

    spectrum = spectra.read_pha(target.file(), **(read or {}))
    if band is not None:
        spectrum = spectrum.notice((float(band[0]), float(band[1])))
    problem = spectra.SpectralProblem(spectrum, spectra.from_xspec(model), statistic=statistic)
    fit = problem.fit(n_starts=n_starts)
    values: dict[str, Any] = {name: fit[name] for name in fit.parameters.names}
    values |= {
        "statistic": fit.statistic,
        "statistic_name": fit.statistic_name,
        "dof": fit.dof,
        "reservations": "; ".join(fit.reservations),
    }
    return Answer(values, fit.provenance.citations)


def find_break(
    target: Target,
    *,
    seed: np.random.SeedSequence,
    threshold: float | None = None,
    read: Settings = None,
    **options: Any,
) -> Answer:
    """Search a break of the energy function of bursts: :func:`astrokit.bursts.find_break`.

    Parameters
    ----------
    target : Target
        With a table of bursts; a column ``threshold`` of the catalogue wins over the option.
    seed : SeedSequence
    threshold : float, optional
        erg.
    read : mapping, optional
        Options of :func:`astrokit.bursts.read_bursts`.
    **options
        Of the analysis, such as ``n_simulations`` and ``n_bootstrap``.
    """
    from .. import bursts

    sample = bursts.read_bursts(target.file(), **(read or {}))
    if target.row.get("threshold") is not None:
        given: Any = target.quantity("threshold")
        threshold = given if target.units.get("threshold") else float(given)
    r = bursts.find_break(sample, threshold=threshold, seed=seed, **options)
    values = {
        "bursts": len(sample),
        "break_energy": r.break_energy,
        "index_low": r.index_low,
        "index_high": r.index_high,
        "test_statistic": r.test_statistic,
        "p_value": r.p_value,
        "modes": len(r.modes),
        "verdict": r.verdict,
        "roll_over": r.roll_over,
        "notes": "; ".join(r.notes),
    }
    return Answer(values, r.provenance.citations)


def hc(
    target: Target, *, seed: np.random.SeedSequence, read: Settings = None, **options: Any
) -> Answer:
    """Return entropy and complexity of a light curve: :func:`astrokit.complexity.hc`.

    Parameters
    ----------
    target : Target
        With the file of a light curve.
    seed : SeedSequence
        Not needed: nothing is drawn.
    read : mapping, optional
        Options of :func:`astrokit.read_lightcurve`.
    **options
        Of the analysis, such as ``n``, ``delay`` and ``missing``.
    """
    from .. import complexity
    from ..lightcurve import read_lightcurve

    r = complexity.hc(read_lightcurve(target.file(), **(read or {})), **options)
    values = {
        "entropy": r.entropy,
        "complexity": r.complexity,
        "corrected": {"entropy": r.corrected[0], "complexity": r.corrected[1]},
        "zone": r.zone,
        "windows": r.n_windows,
        "windows_dropped": r.n_dropped,
        "missing_patterns": r.n_missing_patterns,
    }
    return Answer(values, r.provenance.citations)


def fit_index(
    target: Target, *, seed: np.random.SeedSequence, read: Settings = None, **options: Any
) -> Answer:
    """Return the heliocentric index of a comet: :func:`astrokit.comets.fit_index`.

    Parameters
    ----------
    target : Target
        With a table of magnitudes and geometry.
    seed : SeedSequence
    read : mapping, optional
        Options of :func:`astrokit.comets.read_photometry`.
    **options
        Of the analysis and of its sampling, such as ``ensembles``.
    """
    from .. import comets

    photometry = comets.read_photometry(target.file(), **(read or {}))
    r = comets.fit_index(photometry, seed=seed, **options)
    values = {
        "magnitudes": len(photometry.time),
        **r.indices,
        "absolute_magnitude": r.absolute_magnitude,
        "phase_coefficient": r.phase_coefficient,
        "correlation": r.correlation,
        "converged": r.posterior.verdict.word,
    }
    return Answer(values, r.provenance.citations)


def pattern_speed(
    target: Target,
    *,
    seed: np.random.SeedSequence,
    reader: str = "read_manga",
    read: Settings = None,
    **options: Any,
) -> Answer:
    """Return the pattern speed of a bar: ``astrokit.bars.pattern_speed``.

    Parameters
    ----------
    target : Target
        With the file of a galaxy's maps, and its geometry in the further columns (see
        ``astrokit.bars.geometry_of``), unless the maps know it. Without a file these columns are
        the arguments of ``astrokit.bars.simulate_galaxy``: a toy galaxy for each row.
    seed : SeedSequence
    reader : str
        Which function of ``astrokit.bars`` reads the file.
    read : mapping, optional
        Its options.
    **options
        Of the analysis, such as ``n_draws``.
    """
    bars = _bars()
    toy_seed, draws = spawn(seed, 2)
    given = {k: _argument(target, k) for k, v in target.row.items() if v is not None}
    if target.path is None:
        maps = bars.simulate_galaxy(seed=toy_seed, **given)
    else:
        maps = _reader(bars, reader)(Path(target.path), **(read or {}))
        geometry = bars.geometry_of(given)
        maps = maps if geometry is None else maps.with_geometry(geometry)
    r = bars.pattern_speed(maps, seed=draws, **options)
    names = ("pattern_speed", "corotation_radius", "bar_radius", "ratio")
    values: dict[str, Any] = {name: getattr(r, name) for name in names}
    values["p"] = dict(r.class_probabilities)
    values["flags"] = " ".join(dict.fromkeys(flag.name for flag in r.flags))
    return Answer(values, r.provenance.citations)


def _bars() -> Any:
    import importlib

    try:
        return importlib.import_module("astrokit.bars")
    except ImportError as error:
        raise InputError("this astrokit has no astrokit.bars", hint="update astrokit") from error


def _reader(bars: Any, name: str) -> Any:
    known = [n for n in dir(bars) if n.startswith("read_")]
    if name not in known:
        raise InputError("astrokit.bars has no such reader", value=name, allowed=", ".join(known))
    return getattr(bars, name)


def _argument(target: Target, name: str) -> Any:
    return target.quantity(name) if target.units.get(name) else target.row[name]
