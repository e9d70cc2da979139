"""How a spectrum prints."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from ..errors import AstrokitError

if TYPE_CHECKING:
    from .spectrum import Spectrum

__all__ = ["as_html", "describe"]


def describe(spectrum: Spectrum) -> str:
    """Return the spectrum in words: one line, and one per companion."""
    return "\n".join(lines(spectrum))


def as_html(spectrum: Spectrum) -> str:
    """Return the same for notebooks."""
    first, *others = lines(spectrum)
    items = "".join(f"<li>{html.escape(line.strip())}</li>" for line in others)
    title = html.escape(str(spectrum.meta.get("object") or ""))
    return f"<b>{title}</b> {html.escape(first)}" + (f"<ul>{items}</ul>" if items else "")


def lines(spectrum: Spectrum) -> list[str]:
    """Return the lines of a description."""
    text = [_first_line(spectrum)]
    for one in spectrum.backgrounds:
        total = float(one.values.sum())
        what = "ct/s" if one.is_rate else "counts"
        text.append(f"  background: {total:.6g} {what}, {one.exposure:.6g} s")
    if spectrum.response is not None:
        text.append(f"  {spectrum.response}")
    text += [f"  {action} {', '.join(map(str, bands))}" for action, bands in spectrum.selection]
    return text


def _first_line(spectrum: Spectrum) -> str:
    grouped = bool((spectrum.grouping == -1).any())
    try:
        groups = spectrum.groups
    except AstrokitError:
        return f"Spectrum: nothing noticed of {spectrum.channel.size} channels"
    total = float(groups.sum(spectrum.values).sum())
    what = f"{total:.6g} ct/s" if spectrum.is_rate else f"{total:.10g} counts"
    where = f"{len(groups)} {'groups' if grouped else 'channels'}"
    energies = ""
    if spectrum.channel_energies is not None:
        energies = f", {spectrum.energy_lo.min():.4g} to {spectrum.energy_hi.max():.4g} keV"
    return f"Spectrum: {what} in {where}, {spectrum.exposure:.6g} s{energies}"
