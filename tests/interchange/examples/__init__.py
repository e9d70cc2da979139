"""One small instance of every public class, room by room, each made as a user would make it.

``EXAMPLES`` maps a class to a function that makes an instance. Where rooms are added, their file
is added here; a test fails as long as a public class has no example.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import bursts, comets, complexity, ground, inference, lightcurve, spectra, timing

EXAMPLES: dict[type, Callable[[], Any]] = {}
for _room in (ground, inference, lightcurve, timing, spectra, bursts, complexity, comets):
    EXAMPLES |= _room.EXAMPLES
