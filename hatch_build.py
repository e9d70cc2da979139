"""Put notebooks and data inside the wheel, so that `astrokit reproduce` works outside a checkout.

An editable installation reads them from the checkout instead; copies of them in site-packages
would look like a second, incomplete astrokit to other tools.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShipNotebooksAndData(BuildHookInterface):
    """Add the two folders to a wheel that is not editable."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files."""
        if version == "standard":
            build_data["force_include"] |= {
                "notebooks": "astrokit/_notebooks",
                "data": "astrokit/_data",
            }
