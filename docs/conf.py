"""Sphinx configuration. `make docs` builds with warnings as errors."""

from __future__ import annotations

import sys
from pathlib import Path

import astrokit

sys.path.insert(0, str(Path(__file__).resolve().parent))  # notebook_pages stands here

project = "astrokit"
author = "The astrokit developers"
copyright = "2026, The astrokit developers"
version = release = astrokit.__version__

extensions = [
    "myst_nb",
    "notebook_pages",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
]
source_suffix = {
    ".rst": "restructuredtext",  # first, so that the generated API pages are of this kind
    ".md": "myst-nb",
    ".ipynb": "myst-nb",
}
exclude_patterns = ["_build"]
templates_path = ["_templates"]

myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # `make reproduce` executes; see notebook_pages
nb_merge_streams = True

# The packages are lazy; what they export is their __all__, not what happens to be imported.
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_typehints = "none"  # types stand in the docstrings, with shapes and units
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "furo"
html_title = f"astrokit {version}"
html_static_path = ["_static"]
html_css_files = ["astrokit.css"]
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1f5f99",
        "color-brand-content": "#1f5f99",
        "font-stack": "'Source Sans 3', 'Segoe UI', system-ui, sans-serif",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7db8ea",
        "color-brand-content": "#7db8ea",
    },
}
pygments_style = "friendly"
# A doctest in Markdown needs an empty line before the closing fence; the page does not.
highlight_options = {name: {"stripnl": True} for name in ("python", "pycon")}
