"""The figures of an executed notebook, with the heading under which each stands."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["NotebookFigure", "notebook_figures"]


@dataclass(frozen=True)
class NotebookFigure:
    """A figure of a notebook.

    Attributes
    ----------
    png : bytes
    heading : str
        The heading that stands above it.
    """

    png: bytes
    heading: str


def notebook_figures(path: Path) -> list[NotebookFigure]:
    """Return the PNG figures among the outputs of an executed notebook, in their order."""
    content = json.loads(path.read_text(encoding="utf-8"))
    found, heading = [], ""
    for cell in content["cells"]:
        if cell["cell_type"] == "markdown":
            heading = _last_heading(cell["source"]) or heading
        for output in cell.get("outputs", ()):
            png = _png(output.get("data", {}))
            if png:
                found.append(NotebookFigure(png, heading))
    return found


def _last_heading(source: str | list[str]) -> str:
    text = source if isinstance(source, str) else "".join(source)
    lines = [line.lstrip("#").strip() for line in text.splitlines() if line.startswith("#")]
    return _plain(lines[-1]) if lines else ""


def _plain(text: str) -> str:
    """Return a heading without the marks of emphasis, code and links."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("*", "").replace("`", "")


def _png(data: dict[str, Any]) -> bytes:
    encoded = data.get("image/png", "")
    try:
        png = base64.b64decode(encoded if isinstance(encoded, str) else "".join(encoded))
    except binascii.Error:
        return b""
    return png if png.startswith(b"\x89PNG") else b""
