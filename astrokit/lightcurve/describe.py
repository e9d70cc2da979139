"""How a light curve prints: two lines of text, and a small table in notebooks."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from . import gti as intervals

if TYPE_CHECKING:
    from .lightcurve import LightCurve

__all__ = ["describe", "describe_html"]


def describe(lc: LightCurve) -> str:
    """Return the text form of a light curve: size, span, rate, good time and remarks."""
    info = lc.info
    unit = info.time_unit
    start, stop = _span(lc)
    head = f"LightCurve{' of ' + info.title if info.title else ''}: "
    lines = [f"{head}{_size(lc)}, {int(lc.valid.sum())} valid, from {start} to {stop} {unit}"]
    noun = "mean magnitude" if info.is_magnitude else "mean rate"
    count = len(lc.gti)
    lines.append(
        f"{noun} {lc.mean_rate:.6g}{' ' + info.rate_unit if info.rate_unit else ''}, "
        f"{count} GTI{'' if count == 1 else 's'}, {intervals.total(lc.gti):.6g} {unit} good time"
        + ("" if lc.error is not None else ", no errors")
    )
    if info.mjdref is not None:
        scale = f" ({info.time_system})" if info.time_system else ""
        lines.append(f"time zero at MJD {info.mjdref:.10g}{scale}")
    if lc.read_report is not None:
        lines.append(_remarks(lc))
    return "\n".join(lines)


def describe_html(lc: LightCurve) -> str:
    """Return the notebook form of a light curve."""
    info = lc.info
    start, stop = _span(lc)
    rows = [
        ("bins", f"{_size(lc)}, {int(lc.valid.sum())} valid"),
        ("time", f"{start} to {stop} {info.time_unit}"),
        (
            "time zero",
            "" if info.mjdref is None else f"MJD {info.mjdref:.10g} {info.time_system}",
        ),
        ("mean", f"{lc.mean_rate:.6g} {info.rate_unit}"),
        ("good time", f"{intervals.total(lc.gti):.6g} {info.time_unit} in {len(lc.gti)} GTIs"),
        ("file", "" if lc.read_report is None else _remarks(lc)),
    ]
    body = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(text)}</td></tr>"
        for name, text in rows
        if text
    )
    title = escape(f"LightCurve {info.title}".strip())
    return f"<table><caption>{title}</caption>{body}</table>"


def _span(lc: LightCurve) -> tuple[str, str]:
    first, last = float(lc.left[0]), float(lc.right[-1])
    span = last - first
    # Enough decimals to tell the ends of a short curve apart, however far from time zero.
    decimals = min(max(3 - int(np.floor(np.log10(span))), 0), 9) if span > 0 else 6
    return tuple(_trimmed(f"{x:.{decimals}f}") for x in (first, last))  # type: ignore[return-value]


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _size(lc: LightCurve) -> str:
    plural = "" if lc.n == 1 else "s"
    width, unit = np.asarray(lc.bin_width), lc.info.time_unit
    if not np.any(width > 0):
        return f"{lc.n} point{plural}"
    if width.ndim:
        return f"{lc.n} bin{plural} of {width.min():.6g} to {width.max():.6g} {unit}"
    return f"{lc.n} bin{plural} of {float(width):.6g} {unit}"


def _remarks(lc: LightCurve) -> str:
    report = lc.read_report
    if report is None:
        return ""
    dropped = sum(report.rows_dropped.values())
    facts = [f"read from {report.file}"]
    for count, noun in (
        (dropped, "row dropped"),
        (len(report.assumptions), "assumption"),
        (len(report.warnings), "warning"),
    ):
        if count:
            first, _, rest = noun.partition(" ")
            facts.append(f"{count} {first}{'' if count == 1 else 's'}{' ' + rest if rest else ''}")
    return ", ".join(facts) + " (see read_report)"
