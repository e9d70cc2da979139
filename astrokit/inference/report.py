"""The report of one result: a page with its numbers, figures, settings, data and citations."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import pages
from ..errors import InputError
from ..pages import Cell, Section
from ..provenance import Provenance, cite

if TYPE_CHECKING:
    from ..estimate import Estimate
    from .fit_result import Fit
    from .posterior import Posterior
    from .problem import Problem

__all__ = ["calling_code", "report_fit", "report_posterior"]

_MOST_IN_A_CORNER = 8
_KINDS = {"converged": "good", "tentative": "unsure", "failed": "bad"}


def report_posterior(
    posterior: Posterior, path: str | os.PathLike[str], problem: Problem | None = None
) -> Path:
    """Write the report of a posterior; see :meth:`Posterior.report`."""
    if problem is not None and problem.data_checksum != posterior.data_checksum:
        raise InputError(
            "the problem has other data than the posterior",
            value=problem.data_checksum[:12],
            allowed=posterior.data_checksum[:12],
            hint="give the problem whose sample() made this posterior",
        )
    verdict = posterior.verdict
    sections = [
        Section("Result", _posterior_result(posterior), "result"),
        Section("Figures", _figures(_posterior_figures(posterior, problem)), "figures"),
        Section("The chain", _chain(posterior), "chain"),
        *_closing(posterior, posterior.provenance),
    ]
    lead = _verdict(verdict.word, _sentence(verdict.sentence), _KINDS[verdict.word])
    return pages.write_page(path, _page(f"Posterior of {posterior.label}", sections, lead))


def report_fit(fit: Fit, path: str | os.PathLike[str]) -> Path:
    """Write the report of a fit; see :meth:`Fit.report`."""
    sections = [Section("Result", _fit_result(fit), "result")]
    figures = _fit_figures(fit)
    if figures:
        sections.append(Section("Figures", _figures(figures), "figures"))
    sections += [
        Section("The search", _search(fit), "search"),
        *_closing(fit, fit.provenance),
    ]
    n = len(fit.reservations)
    word, kind = ("with reservations", "unsure") if n else ("sound", "good")
    agreed = f"{fit.n_agreeing} of {len(fit.starts)} starts reached this maximum"
    noun = "reservation" if n == 1 else "reservations"
    said = _sentence(f"{agreed}; {n} {noun}, below" if n else agreed)
    return pages.write_page(
        path, _page(f"Fit of {fit.label}", sections, _verdict(word, said, kind))
    )


# -- parts that both have --------------------------------------------------------------------------


def _page(title: str, sections: list[Section], lead: str) -> str:
    footer = pages.paragraph("This page holds everything it shows and loads nothing.")
    return pages.document(title, sections, lead=lead, footer=footer)


def _verdict(word: str, sentence: str, kind: str) -> str:
    return f'<div class="verdict {kind}">{pages.badge(word, kind)}{pages.paragraph(sentence)}</div>'


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _closing(result: Fit | Posterior, record: Provenance) -> list[Section]:
    checksums = {"data": result.data_checksum, "model": result.model_checksum}
    made = pages.provenance(record) + "<h3>Checksums</h3>" + pages.facts(checksums)
    return [
        Section("How it was made", made, "provenance"),
        Section("How to repeat it", _repeat(result, record), "repeat"),
        Section("What to cite", pages.citations(cite(result)), "cite"),
    ]


def _repeat(result: Fit | Posterior, record: Provenance) -> str:
    packages = " ".join(f"{k}=={v}" for k, v in record.versions.items() if k != "python")
    python = record.versions.get("python", "")
    return (
        pages.paragraph(f"With Python {python} and the packages of that time:")
        + pages.code(f"python -m pip install {packages}")
        + pages.paragraph(
            "Build the problem from the same data; its checksums say whether it is the same. Then:"
        )
        + pages.code(calling_code(result))
    )


def calling_code(result: Fit | Posterior) -> str:
    """Return Python code that makes the result again from its problem.

    Parameters
    ----------
    result : Fit or Posterior

    Returns
    -------
    str
        Lines that expect the problem under the name ``problem``.

    Examples
    --------
    >>> from astrokit.inference import Parameter, Parameters, PoissonProblem, Uniform
    >>> from astrokit.inference.report import calling_code
    >>> rate = Parameters([Parameter("rate", 1.0, Uniform(0, 100))])
    >>> fit = PoissonProblem([0, 1], [26, 24], lambda x, rate: rate, rate).fit(seed=1)
    >>> print(calling_code(fit).splitlines()[-1])
    fit = problem.fit(n_starts=5, method='auto', seed=1)
    """
    record = result.provenance
    arguments = dict(record.arguments)
    lines = [
        f"assert problem.data_checksum == {result.data_checksum!r}",
        f"assert problem.model_checksum == {result.model_checksum!r}",
    ]
    if record.function.endswith("sample"):
        name, method = "posterior", "sample"
        words = _keywords(arguments, ("until", "max_steps", "walkers", "ensembles"))
        words.append(f"options=SamplerOptions({_options(arguments)})")
        lines.insert(0, "from astrokit.inference import Moves, SamplerOptions")
    else:
        name, method = "fit", "fit"
        words = _keywords(arguments, ("n_starts", "method"))
    seed, extra = _seed(record.seed)
    call = ", ".join([*words, *([f"seed={seed}"] if seed else [])])
    return "\n".join([*extra, *lines, f"{name} = problem.{method}({call})"])


def _keywords(arguments: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    return [f"{name}={arguments[name]!r}" for name in names if arguments.get(name) is not None]


def _options(arguments: Mapping[str, Any]) -> str:
    words = _keywords(arguments, ("thin",))
    if arguments.get("moves"):
        moves = ", ".join(f"{name}={value!r}" for name, value in arguments["moves"].items())
        words.append(f"moves=Moves({moves})")
    return ", ".join(words)


def _seed(seed: Mapping[str, Any] | None) -> tuple[str, list[str]]:
    """Return the seed as code, and the imports that it needs."""
    if not seed:
        return "", []
    if not seed.get("spawn_key"):
        return repr(seed["entropy"]), []
    key = tuple(seed["spawn_key"])
    return f"SeedSequence({seed['entropy']!r}, spawn_key={key!r})", [
        "from numpy.random import SeedSequence"
    ]


def _estimate_cell(e: Estimate) -> Cell:
    return Cell(f'<span class="nowrap">{e.to_html()}</span>', e.value)


def _reservations(texts: Iterable[str]) -> str:
    return "".join(pages.paragraph(_sentence(text), "reservation") for text in texts)


# -- figures ---------------------------------------------------------------------------------------


def _figures(drawn: list[tuple[Any, str, bool]]) -> str:
    """Return figures as HTML, and close them: they were made for the page only."""
    import matplotlib.pyplot as plt

    parts = []
    for drawing, text, wide in drawn:
        parts.append(pages.figure(drawing, text, wide=wide))
        plt.close(drawing)
    return f'<div class="figures">{"".join(parts)}</div>'


def _posterior_figures(
    posterior: Posterior, problem: Problem | None
) -> list[tuple[Any, str, bool]]:
    drawn = _data_figure(problem, posterior)
    shown = posterior.names[:_MOST_IN_A_CORNER]
    text = "Marginal distributions; contours hold one and two sigma of a Gaussian"
    if len(shown) < len(posterior.names):
        text += f"; the first {len(shown)} of {len(posterior.names)} parameters"
    drawn.append((posterior.corner(shown), text, len(shown) > 3))
    trace = posterior.trace(shown)[0].figure
    drawn.append((trace, "The walk of the ensembles through each parameter", len(shown) > 3))
    return drawn


def _fit_figures(fit: Fit) -> list[tuple[Any, str, bool]]:
    return _data_figure(fit.problem, fit)


def _data_figure(problem: Problem | None, result: Any) -> list[tuple[Any, str, bool]]:
    plot = getattr(problem, "plot", None)
    if plot is None:
        return []
    axes = np.ravel(np.asarray(plot(result), dtype=object))
    return [(axes[0].figure, "The data and the model", True)]


# -- a posterior -----------------------------------------------------------------------------------


def _posterior_result(posterior: Posterior) -> str:
    verdict = posterior.verdict
    rows: list[list[Cell | str]] = []
    for name in posterior.parameters.names:
        estimate = posterior[name]
        row: list[Cell | str] = [name, _estimate_cell(estimate)]
        if name in verdict.tau:
            row += [
                _number(verdict.tau[name], ".1f"),
                _number(verdict.effective_samples[name], ".0f"),
                _number(verdict.rhat[name], ".4f"),
            ]
        else:
            fixed = posterior.parameters[name].fixed
            row += [Cell("fixed" if fixed else "tied"), Cell(""), Cell("")]
        rows.append(row)
    columns = ("Parameter", "Median and interval", "tau", "Effective samples", "R-hat")
    level = f"{100 * posterior[posterior.names[0]].level:.3g} %"
    return (
        pages.table(columns, rows, caption="Parameters")
        + pages.paragraph(f"Intervals are central and hold {level}. tau is in sweeps.", "note")
        + _reservations(posterior.reservations)
        + pages.facts({"data": posterior.n_data, "statistic": posterior.statistic})
    )


def _number(value: float, form: str) -> Cell:
    return Cell(format(value, form).replace("-", "\u2212"), value)


def _chain(posterior: Posterior) -> str:
    ensembles, _, walkers, _ = posterior.view.shape
    verdict = posterior.verdict
    return pages.facts(
        {
            "ensembles": ensembles,
            "walkers in each": walkers,
            "sweeps": f"{verdict.steps}, of which {verdict.burn_in} burn-in, dropped",
            "kept samples": len(posterior.samples),
            "acceptance": f"{verdict.acceptance:.2f}",
            "largest ln L among samples": posterior.max_log_likelihood,
        }
    )


# -- a fit -----------------------------------------------------------------------------------------


def _fit_result(fit: Fit) -> str:
    rows: list[list[Cell | str]] = [
        [name, _estimate_cell(fit[name]), fit.state(name)] for name in fit.names
    ]
    numbers = {
        fit.statistic_name: fit.statistic,
        "data": f"{fit.n_data}, {fit.n_free} free parameters",
        "ln L": fit.log_likelihood,
        "AIC": fit.aic,
        "AICc": fit.aicc,
        "BIC": fit.bic,
    }
    return (
        pages.table(("Parameter", "Best value", "State"), rows, caption="Parameters")
        + pages.paragraph("Errors are one standard deviation and absolute.", "note")
        + _reservations(fit.reservations)
        + pages.facts(numbers)
        + _correlations(fit)
    )


def _correlations(fit: Fit) -> str:
    names = fit.parameters.free_names
    if len(names) < 2:
        return ""
    with np.errstate(invalid="ignore"):
        matrix = fit.correlation
    rows: list[list[Cell | str]] = [
        [first, second, _number(float(matrix[i, j]), "+.3f")]
        for i, first in enumerate(names)
        for j, second in enumerate(names)
        if i < j
    ]
    return "<h3>Correlations</h3>" + pages.table(
        ("Parameter", "with", "Correlation"), rows, caption="Correlations"
    )


def _search(fit: Fit) -> str:
    rows: list[list[Cell | str]] = [
        [
            Cell(str(i), i),
            _number(start.log_likelihood, ".6g"),
            "yes" if start.converged else "no",
            start.reason,
        ]
        for i, start in enumerate(fit.starts, start=1)
    ]
    columns = ("Start", "ln L at the end", "Converged", "Remark")
    return pages.facts({"method": fit.method}) + pages.table(columns, rows, caption="Starts")
