"""HTML for rows: a table for notebooks, with inline styles only, and small drawings."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from html import escape

__all__ = [
    "VERDICT_COLORS",
    "pull_chart",
    "row_html",
    "rows_html",
    "sigma_strip",
    "typographic",
]

# Chosen to be told apart by colour-blind readers too; the word always stands beside the colour.
VERDICT_COLORS = {
    "agrees": "#1b7a5a",
    "differs": "#c0392b",
    "context": "#5b6b7c",
    "skipped": "#9a7b1f",
    "failed": "#c0392b",
}
_COLUMNS = (
    ("Quantity", "26%", "left"),
    ("Published", "23%", "left"),
    ("Measured", "19%", "left"),
    ("Difference [\u03c3]", "19%", "left"),
    ("Verdict", "13%", "left"),
)
_EXPONENT = re.compile(r"(?<=[\d)])e([+-])0*(\d+)")
_STRIP_LIMIT = 4.0  # sigmas at the ends of the strip; beyond it the mark becomes an arrow


def rows_html(rows: Iterable[tuple[Mapping[str, str], float]]) -> str:
    """Return a table with a header; each row is its texts and its difference in sigma."""
    body = "".join(_tr(texts, sigma) for texts, sigma in rows)
    head = "".join(
        f'<th style="text-align:{align};padding:6px 10px;border-bottom:2px solid #30475e;'
        f'font-weight:600">{name}</th>'
        for name, _, align in _COLUMNS
    )
    return _table(f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>")


def row_html(texts: Mapping[str, str], sigma: float) -> str:
    """Return one row as a table without header; the columns line up from row to row."""
    return _table(f"<tbody>{_tr(texts, sigma)}</tbody>")


def sigma_strip(sigma: float, color: str) -> str:
    """Return a small SVG: where a difference lies on a scale from -4 to 4 sigma."""
    if math.isnan(sigma):
        return ""
    width, height, middle = 96, 16, 8
    scale = (width - 12) / (2 * _STRIP_LIMIT)
    x = width / 2 + max(-_STRIP_LIMIT, min(_STRIP_LIMIT, sigma)) * scale
    if abs(sigma) <= _STRIP_LIMIT:
        mark = f'<circle cx="{x:.1f}" cy="{middle}" r="3.6" fill="{color}"/>'
    else:
        tip = x + math.copysign(5, sigma)
        mark = f'<path d="M{x:.1f} 3.5 L{tip:.1f} {middle} L{x:.1f} 12.5 Z" fill="{color}"/>'
    bands = "".join(
        f'<rect x="{width / 2 - n * scale:.1f}" y="{middle - 5}" width="{2 * n * scale:.1f}" '
        f'height="10" fill="{fill}"/>'
        for n, fill in ((3, "#e8eef4"), (1, "#c9d6e3"))
    )
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{sigma:+.2f} sigma" style="vertical-align:middle;margin-left:8px">'
        f"<title>bands: 1 and 3 sigma</title>{bands}"
        f'<line x1="{width / 2}" y1="1" x2="{width / 2}" y2="15" stroke="#8a9bab"/>{mark}</svg>'
    )


def pull_chart(pulls: Iterable[tuple[float, str]]) -> str:
    """Return an SVG of differences in sigma, one dot each, stacked where they meet.

    Parameters
    ----------
    pulls : iterable of (float, str)
        Difference and verdict.
    """
    limit, step, unit, radius = 4.0, 0.2, 80, 5.5
    columns: dict[int, list[str]] = {}
    for sigma, verdict in sorted(pulls):
        place = round(max(-limit, min(limit, sigma)) / step)
        columns.setdefault(place, []).append(verdict)
    # Dots move closer where many meet, so that the chart keeps its height.
    tallest = max(map(len, columns.values()))
    rise = min(2 * radius + 1, 130 / tallest)
    width, base = 2 * limit * unit + 40, min(150, rise * tallest + 24)
    dots = "".join(
        f'<circle cx="{width / 2 + place * step * unit:.1f}" '
        f'cy="{base - radius - 3 - i * rise:.1f}" r="{radius}" '
        f'fill="{VERDICT_COLORS[verdict]}" stroke="#fff"/>'
        for place, verdicts in columns.items()
        for i, verdict in enumerate(verdicts)
    )
    bands = "".join(
        f'<rect x="{width / 2 - n * unit}" y="0" width="{2 * n * unit}" height="{base}" '
        f'fill="{fill}"/>'
        for n, fill in ((3, "#f2f6f9"), (1, "#e2eaf1"))
    )
    ticks = "".join(
        f'<text x="{width / 2 + n * unit}" y="{base + 18}" text-anchor="middle" '
        f'font-size="13" fill="#5b6b7c">{str(n).replace("-", chr(0x2212))}</text>'
        for n in range(-4, 5)
    )
    count = sum(map(len, columns.values()))
    return (
        f'<svg class="pulls" viewBox="0 0 {width} {base + 24}" role="img" '
        f'aria-label="{count} differences between -4 and 4 sigma">{bands}'
        f'<line x1="12" y1="{base}" x2="{width - 12}" y2="{base}" stroke="#8a9bab"/>'
        f"{ticks}{dots}</svg>"
    )


def _power_of_ten(match: re.Match[str]) -> str:
    sign = "\u2212" if match[1] == "-" else ""
    return f" \u00d7 10<sup>{sign}{match[2]}</sup>"


def _table(inner: str) -> str:
    columns = "".join(f'<col style="width:{width}">' for _, width, _ in _COLUMNS)
    return (
        '<table style="border-collapse:collapse;table-layout:fixed;width:100%;max-width:1060px;'
        'margin:0;font-size:14px;font-variant-numeric:tabular-nums">'
        f"<colgroup>{columns}</colgroup>{inner}</table>"
    )


def _tr(texts: Mapping[str, str], sigma: float) -> str:
    verdict = texts["verdict"]
    color = VERDICT_COLORS[verdict]
    if verdict == "skipped":
        middle = f'<td colspan="3" style="{_TD}">{_small(texts["note"])}</td>'
        return f"<tr>{_td(escape(texts['quantity']))}{middle}{_verdict_cell(verdict, color)}</tr>"
    source = {"published": "", "check": "check: ", "truth": "truth: "}[texts["kind"]]
    cells = [
        _td(escape(texts["quantity"]), texts["note"]),
        _td(
            typographic(texts["published"]),
            source + texts["reference"] if texts["reference"] else source[:-2],
        ),
        _td(typographic(texts["measured"])),
        _difference_cell(texts, sigma, color),
        _verdict_cell(verdict, color),
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _difference_cell(texts: Mapping[str, str], sigma: float, color: str) -> str:
    number = (
        '<span style="display:inline-block;min-width:42px">'
        f"{texts['sigma'].replace('-', chr(0x2212)) or '&ndash;'}</span>"
    )
    required = texts["tolerance"].replace("sigma", "\u03c3")
    under = _small(f"required: within {required}") if required else ""
    return f'<td style="{_TD}">{number}{sigma_strip(sigma, color)}{under}</td>'


def _verdict_cell(verdict: str, color: str) -> str:
    return (
        f'<td style="{_TD}"><span style="display:inline-block;padding:1px 9px;border-radius:9px;'
        f'border:1px solid {color};color:{color};font-size:12.5px">{verdict}</span></td>'
    )


_TD = "text-align:left;vertical-align:top;padding:6px 10px;border-bottom:1px solid #dde4ea"


def _td(html: str, under: str = "") -> str:
    return f'<td style="{_TD}">{html}{_small(under) if under else ""}</td>'


def _small(text: str) -> str:
    return f'<div style="font-size:12px;color:#5b6b7c">{escape(text)}</div>'


def typographic(text: str) -> str:
    """Return a printed number as HTML: real signs, and powers of ten as such.

    Examples
    --------
    >>> from astrokit.reproduce.markup import typographic
    >>> typographic("(2.3 +/- 0.3)e-04 Hz")
    '(2.3 \u00b1 0.3) \u00d7 10<sup>\u22124</sup> Hz'
    """
    text = _EXPONENT.sub(_power_of_ten, escape(text))
    text = text.replace("+/-", "\u00b1").replace(" -", " \u2212").replace("(-", "(\u2212")
    return "\u2212" + text[1:] if text.startswith("-") else text
