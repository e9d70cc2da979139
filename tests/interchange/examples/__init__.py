"""One small instance of every public class, room by room, each made as a user would make it.

``EXAMPLES`` maps a class to a function that makes an instance. Where rooms are added, their file
is added here; a test fails as long as a public class has no example.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import (
    bars,
    bursts,
    comets,
    complexity,
    ground,
    inference,
    lightcurve,
    spectra,
    survey,
    timing,
)

EXAMPLES: dict[type, Callable[[], Any]] = {}
_FIRST = (ground, inference, lightcurve, timing, spectra)
for _room in (*_FIRST, bursts, complexity, comets, bars, survey):
    EXAMPLES |= _room.EXAMPLES
