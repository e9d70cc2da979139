"""The page around the parts: head, contents, sections; and its way to disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from pathlib import Path

from ..atomic import written_whole
from ..errors import InputError

__all__ = ["Section", "document", "write_page"]


@dataclass(frozen=True)
class Section:
    """A part of the page with a title.

    Parameters
    ----------
    title : str
        Plain text.
    body : str
        HTML.
    anchor : str
        Its address on the page: letters, digits and hyphens.
    aside : str
        HTML beside its entry in the contents.
    """

    title: str
    body: str
    anchor: str
    aside: str = ""


def document(
    title: str, sections: Sequence[Section], *, lead: str = "", footer: str = "", contents: str = ""
) -> str:
    """Return a whole page.

    Parameters
    ----------
    title : str
        Plain text.
    sections : sequence of Section
    lead, footer : str
        HTML below the title and at the end.
    contents : str
        Title of the list of sections; without one there is no list.

    Returns
    -------
    str

    Examples
    --------
    >>> from astrokit.pages import Section, document
    >>> page = document("A < B", [Section("First", "<p>text</p>", "first")])
    >>> "<h1>A &lt; B</h1>" in page
    True
    """
    body = "".join(
        f'<section id="{escape(s.anchor)}"><h2>{escape(s.title)}</h2>{s.body}</section>'
        for s in sections
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>\n{_asset('page.css')}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(title)}</h1>{lead}</header>\n{_contents(sections, contents)}"
        f"<main>{body}</main>\n<footer>{footer}</footer>\n"
        f"<script>\n{_asset('page.js')}</script>\n</body>\n</html>\n"
    )


# The page may use what it holds, and nothing from anywhere else.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def _contents(sections: Sequence[Section], title: str) -> str:
    if not title:
        return ""
    entries = "".join(
        f'<li><a href="#{escape(s.anchor)}">{escape(s.title)}</a>{s.aside}</li>' for s in sections
    )
    return f'<nav aria-label="{escape(title)}"><ol>{entries}</ol></nav>\n'


@cache
def _asset(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def write_page(path: str | os.PathLike[str], html: str) -> Path:
    """Write a page; it appears whole or not at all, and replaces one of that name.

    Parameters
    ----------
    path : path-like
        Ends in ``.html`` or ``.htm``.
    html : str

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InputError
        For another ending, or a folder that does not exist.
    WriteError
        When the disk has no room, or the folder may not be written to.
    """
    target = Path(path).expanduser()
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError(
            "a report is a web page", value=target.name, allowed="a name that ends in .html"
        )
    if not target.parent.is_dir():
        raise InputError(
            "the folder for the report does not exist",
            value=target.parent.name,
            hint="make it first: Path(folder).mkdir(parents=True)",
        )
    if target.is_dir():
        raise InputError("a folder of this name is in the way", value=target.name)
    with written_whole(target) as temporary:
        # Names of files may hold bytes that are no text.
        temporary.write_bytes(html.encode("utf-8", errors="replace"))
    return target
