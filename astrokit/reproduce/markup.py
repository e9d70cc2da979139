"""HTML for rows: the same table in a notebook and on the report page, with inline styles only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from html import escape

__all__ = ["VERDICT_COLORS", "row_html", "rows_html", "sigma_strip"]

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
        return f"<tr>{_td(texts['quantity'])}{middle}{_verdict_cell(verdict, color)}</tr>"
    source = {"published": "", "check": "check: ", "truth": "truth: "}[texts["kind"]]
    cells = [
        _td(texts["quantity"], texts["note"]),
        _td(
            _signs(texts["published"]),
            source + texts["reference"] if texts["reference"] else source[:-2],
        ),
        _td(_signs(texts["measured"])),
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


def _td(text: str, under: str = "") -> str:
    return f'<td style="{_TD}">{escape(text)}{_small(under) if under else ""}</td>'


def _small(text: str) -> str:
    return f'<div style="font-size:12px;color:#5b6b7c">{escape(text)}</div>'


def _signs(text: str) -> str:
    """Return a number with typographic signs; the minus of an exponent stays as it is typed."""
    text = text.replace("+/-", "\u00b1").replace(" -", " \u2212").replace("(-", "(\u2212")
    return "\u2212" + text[1:] if text.startswith("-") else text
