"""From samples to estimates: intervals, a printable summary."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..estimate import Estimate, estimates_table
from .diagnostics import Verdict

if TYPE_CHECKING:
    from astropy.table import QTable

    from .posterior import Posterior

__all__ = ["SampledEstimate", "Summary", "highest_density_interval", "sample_mode", "summarise"]

FloatArray = NDArray[np.float64]

_METHODS = {
    "median": "posterior median and central interval",
    "hdi": "posterior median and highest-density interval",
    "mode": "posterior mode and highest-density interval",
}


@dataclass(frozen=True, repr=False)
class SampledEstimate(Estimate):
    """An Estimate that also holds the samples it was made from.

    Attributes
    ----------
    samples : ndarray, shape (n,)
    """

    samples: FloatArray = field(default_factory=lambda: np.empty(0), repr=False, compare=False)

    __hash__ = Estimate.__hash__

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON types without the samples; ``Estimate(**d)`` restores the estimate."""
        return {key: value for key, value in super().as_dict().items() if key != "samples"}


def highest_density_interval(samples: FloatArray, level: float) -> tuple[float, float]:
    """Return the shortest interval that holds the share `level` of the samples ``(n,)``.

    Examples
    --------
    >>> import numpy as np
    >>> from astrokit.inference.intervals import highest_density_interval
    >>> highest_density_interval(np.array([0.0, 1.0, 1.1, 1.2, 5.0]), 0.6)
    (1.0, 1.2)
    """
    x = np.sort(samples)
    inside = min(x.size, max(1, int(np.ceil(level * x.size - 1e-9))))
    widths = x[inside - 1 :] - x[: x.size - inside + 1]
    first = int(np.argmin(widths))
    return float(x[first]), float(x[first + inside - 1])


def sample_mode(samples: FloatArray) -> float:
    """Return the half-sample mode of samples ``(n,)`` (Robertson & Cryer 1974).

    The densest half is kept again and again, so neither bins nor a kernel have to be chosen.
    """
    x = np.sort(samples)
    while x.size > 3:
        half = (x.size + 1) // 2
        first = int(np.argmin(x[half - 1 :] - x[: x.size - half + 1]))
        x = x[first : first + half]
    return float(x.mean())


def summarise(
    samples: FloatArray, name: str, unit: Any, *, level: float, kind: str
) -> SampledEstimate:
    """Return value and interval of samples ``(n,)``; see :meth:`Posterior.estimate`.

    Raises
    ------
    InputError
        For an unknown kind, an impossible level, or a median outside the shortest interval.
    """
    if kind not in _METHODS:
        raise InputError("kind is unknown", value=kind, allowed=", ".join(_METHODS))
    if not 0 < level < 1:
        raise InputError("level must be a probability", value=level, allowed="0 to 1")
    if kind == "median":
        quantiles = [0.5 * (1 - level), 0.5, 0.5 * (1 + level)]
        low, value, high = np.quantile(samples, quantiles).tolist()
    else:
        low, high = highest_density_interval(samples, level)
        value = float(np.median(samples))
        if kind == "mode":
            value = float(np.clip(sample_mode(samples), low, high))
        elif not low <= value <= high:  # possible only below a level of 0.5
            raise InputError(
                "the median lies outside the highest-density interval",
                value=level,
                hint="use kind='mode' or a level above 0.5",
            )
    return SampledEstimate(
        value, value - low, high - value, unit, level, _METHODS[kind], name, samples=samples
    )


@dataclass(frozen=True, repr=False)
class Summary:
    """A table of estimates with their diagnostics; prints as text, and as HTML in a notebook.

    Attributes
    ----------
    estimates : tuple of Estimate
        All parameters.
    verdict : Verdict
    label : str
        Of the model.
    reservations : tuple of str
    """

    estimates: tuple[Estimate, ...]
    verdict: Verdict
    label: str
    reservations: tuple[str, ...]

    @classmethod
    def of(cls, posterior: Posterior) -> Self:
        """Return the summary of a posterior."""
        estimates = tuple(posterior[name] for name in posterior.parameters.names)
        return cls(estimates, posterior.verdict, posterior.label, posterior.reservations)

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The table as text: a head, then one row per parameter."""
        table: list[tuple[str, ...]] = [("parameter", "estimate", "tau", "effective", "R-hat")]
        for e in self.estimates:
            facts = [""] * 3
            if e.name in self.verdict.tau:
                facts = [
                    f"{self.verdict.tau[e.name]:.1f}",
                    f"{self.verdict.effective_samples[e.name]:.0f}",
                    f"{self.verdict.rhat[e.name]:.4f}",
                ]
            elif e.error == 0:
                facts[0] = "fixed"
            value = str(e).removeprefix(f"{e.name} = ")
            table.append((e.name, value, *facts))
        return table

    def to_table(self) -> QTable:
        """Return an astropy table of the estimates with tau, effective samples and R-hat."""
        table = estimates_table(self.estimates)
        for label in ("tau", "effective_samples", "rhat"):
            values = getattr(self.verdict, label)
            table[label] = [values.get(e.name, np.nan) for e in self.estimates]
        return table

    def __str__(self) -> str:
        rows = self.rows
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = []
        for row in rows:
            cells = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
            cells += [text.rjust(width) for text, width in zip(row[2:], widths[2:], strict=True)]
            lines.append("  ".join(cells).rstrip())
        head = f"Posterior of {self.label}"
        notes = (f"! {sentence}" for sentence in self.reservations)
        return "\n".join([head, *lines, str(self.verdict), *notes])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *body = self.rows
        cells = "".join(f"<th>{html.escape(text)}</th>" for text in head)
        lines = [f"<tr>{cells}</tr>"]
        for row, e in zip(body, self.estimates, strict=True):
            shown = [html.escape(row[0]), e.to_html(), *map(html.escape, row[2:])]
            lines.append("<tr>" + "".join(f"<td>{text}</td>" for text in shown) + "</tr>")
        note = html.escape(str(self.verdict)).replace("\n", "<br>")
        end = "".join(f"<li>{html.escape(text)}</li>" for text in self.reservations)
        return (
            f"<p>Posterior of {html.escape(self.label)}</p><table>{''.join(lines)}</table>"
            f"<p>{note}</p>" + (f"<ul>{end}</ul>" if end else "")
        )
