"""The parts of a page: tables that can be sorted, embedded figures, lists of facts, citations."""

from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..citations import Citation
    from ..provenance import Provenance

__all__ = [
    "Cell",
    "badge",
    "citations",
    "code",
    "facts",
    "figure",
    "folded",
    "paragraph",
    "provenance",
    "table",
]

_DPI = 160  # twice what a common screen shows: figures stay sharp when they are enlarged


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Parameters
    ----------
    html : str
        What is shown, as HTML: escape what comes from a user.
    order : float or str, optional
        By what the table is sorted; the text itself where nothing is given. NaN goes last.

    Examples
    --------
    >>> from astrokit.pages import Cell
    >>> Cell("2.1 &plusmn; 0.1", 2.1).order
    2.1
    """

    html: str
    order: float | str | None = None


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Cell | str]], *, caption: str = ""
) -> str:
    """Return a table whose rows can be sorted by each column; on a phone each row is a card.

    Parameters
    ----------
    columns : sequence of str
        Heads, as plain text.
    rows : iterable of sequence of Cell or str
        A text is escaped. A row with fewer cells than columns lets its last but one span the rest.
    caption : str
        For readers who cannot see the table: what it holds.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> from astrokit.pages import table
    >>> "&lt;b&gt;" in table(["name"], [["<b>"]])
    True
    """
    heads = "".join(
        f'<th scope="col"><button type="button">{escape(name)}</button></th>' for name in columns
    )
    body = "".join(_row(columns, list(row)) for row in rows)
    label = f' aria-label="{escape(caption)}"' if caption else ""
    return (
        f'<table class="sortable"{label}><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _row(columns: Sequence[str], cells: list[Cell | str]) -> str:
    extra = len(columns) - len(cells)
    wide = len(cells) - 2 if extra else -1
    html, at = [], 0
    for i, cell in enumerate(cells):
        span = 1 + extra if i == wide else 1
        html.append(_cell(cell, columns[at], span))
        at += span
    return f"<tr>{''.join(html)}</tr>"


def _cell(cell: Cell | str, column: str, span: int) -> str:
    cell = cell if isinstance(cell, Cell) else Cell(escape(cell))
    attributes = f' data-label="{escape(column)}"' if span == 1 else f' colspan="{span}"'
    if cell.order is not None and cell.order == cell.order:
        attributes += f' data-order="{escape(_order(cell.order))}"'
    elif cell.order is not None:
        attributes += ' data-order=""'
    # One child, so that a card on a phone has one place for it beside its label.
    return f"<td{attributes}><div>{cell.html}</div></td>"


def _order(order: float | str) -> str:
    if isinstance(order, str):
        return order
    return repr(float(order)) if math.isfinite(order) else f"{math.copysign(1e308, order):g}"


def figure(source: Any, text: str, *, wide: bool = False) -> str:
    """Return an embedded figure.

    Parameters
    ----------
    source : matplotlib Figure, or bytes of a PNG file
    text : str
        What it shows: printed below, and read aloud.
    wide : bool
        Give it the whole width of the page.

    Returns
    -------
    str
        HTML.
    """
    data = source if isinstance(source, bytes) else _png(source)
    encoded = base64.b64encode(data).decode("ascii")
    shown = escape(text)
    kind = ' class="wide"' if wide else ""
    return (
        f'<figure{kind}><img alt="{shown}" loading="lazy" src="data:image/png;base64,{encoded}">'
        f"<figcaption>{shown}</figcaption></figure>"
    )


def _png(drawn: Any) -> bytes:
    stream = io.BytesIO()
    # No software name or date inside: equal results give equal pages.
    drawn.savefig(stream, format="png", dpi=_DPI, bbox_inches="tight", metadata={"Software": None})
    return stream.getvalue()


def facts(pairs: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> str:
    """Return names with their values, in two columns.

    Examples
    --------
    >>> from astrokit.pages import facts
    >>> facts({"data": 8})
    '<dl class="facts"><dt>data</dt><dd>8</dd></dl>'
    """
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    body = "".join(f"<dt>{escape(str(k))}</dt><dd>{_value(v)}</dd>" for k, v in items)
    return f'<dl class="facts">{body}</dl>'


def _value(value: Any) -> str:
    if isinstance(value, Cell):
        return value.html
    if isinstance(value, Mapping):
        return _value(", ".join(f"{k} {v}" for k, v in value.items()))
    if isinstance(value, float):
        value = f"{value:.6g}"
    text = escape(str(value))
    # A checksum has no place to break a line.
    return f"<code>{text}</code>" if re.fullmatch(r"[0-9a-f]{64}", text) else text


def badge(word: str, kind: str) -> str:
    """Return a word in a frame, coloured by its kind: good, bad, unsure, plain."""
    return f'<span class="badge {escape(kind)}">{escape(word)}</span>'


def paragraph(text: str, kind: str = "") -> str:
    """Return an escaped paragraph; `kind` is a style class such as ``note``."""
    mark = f' class="{escape(kind)}"' if kind else ""
    return f"<p{mark}>{escape(text)}</p>"


def code(text: str) -> str:
    """Return a block of code or of other text that keeps its lines."""
    return f'<pre tabindex="0">{escape(text)}</pre>'


def folded(title: str, body: str) -> str:
    """Return a part that is shown when the reader asks for it; `body` is HTML."""
    return f"<details><summary>{escape(title)}</summary>{body}</details>"


def citations(citation: Citation) -> str:
    """Return an acknowledgement, and the BibTeX entries behind a click."""
    n = len(citation.keys)
    return paragraph(citation.acknowledgement) + folded(
        f"BibTeX of {n} reference{'s' * (n > 1)}", code(citation.bibtex)
    )


def provenance(record: Provenance) -> str:
    """Return what ran, with which settings, on which data, and with which versions."""
    ran = {"what ran": record.function, "started": f"{record.started} UTC"}
    if not math.isnan(record.duration):
        ran["took"] = f"{record.duration:.3g} s"
    if record.seed:
        spawned = record.seed.get("spawn_key")
        ran["seed"] = _spoken(record.seed if spawned else record.seed["entropy"])
    inputs = [
        (f"input {i}" if len(record.inputs) > 1 else "input", _spoken(item))
        for i, item in enumerate(record.inputs, start=1)
    ]
    parts = [facts(ran)]
    if record.arguments:
        parts += ["<h3>Settings</h3>", facts({k: _spoken(v) for k, v in record.arguments.items()})]
    if inputs:
        parts += ["<h3>Data</h3>", facts(inputs)]
    said = [*record.verdicts, *record.warnings]
    if said:
        parts += ["<h3>What it said</h3>", *(paragraph(text) for text in said)]
    return "".join([*parts, "<h3>Versions</h3>", facts(record.versions)])


def _spoken(value: Any) -> str:
    """Return plain JSON types as text for a reader."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_spoken(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_spoken(item) for item in value) or "none"
    return "none" if value is None else str(value)
