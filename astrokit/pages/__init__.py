"""Self-contained web pages: tables, figures and text in one file that needs nothing else.

What :func:`astrokit.reproduce.run` and the ``report`` of a result write. A page loads nothing from
anywhere, forbids its browser to do so, and escapes every text that it is given.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .document import Section as Section
    from .document import document as document
    from .document import write_page as write_page
    from .parts import Cell as Cell
    from .parts import badge as badge
    from .parts import citations as citations
    from .parts import code as code
    from .parts import facts as facts
    from .parts import figure as figure
    from .parts import folded as folded
    from .parts import paragraph as paragraph
    from .parts import provenance as provenance
    from .parts import table as table
else:
    from astrokit._lazy import attach

    __getattr__, __dir__, __all__ = attach(
        __name__,
        {
            "document": ["Section", "document", "write_page"],
            "parts": [
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
            ],
        },
    )
