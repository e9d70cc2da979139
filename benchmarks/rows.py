"""One measured ratio, and how to time things fairly."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["Row", "best_cpu_time", "number"]


@dataclass(frozen=True)
class Row:
    """One line of the table of ratios.

    Attributes
    ----------
    name : str
        What was measured, with its size.
    ours, peer : float
        The two numbers, both in `unit`; ``nan`` for a peer that is not installed.
    ratio : float
        How many times better astrokit is; ``nan`` where there is no peer.
    unit : str
        Such as "ms" or "effective samples / CPU s".
    required : float or None
        The ratio that is required; None where `ours` is only reported.
    note : str
        The peer's name and version, or why it is missing.
    """

    name: str
    ours: float
    peer: float
    ratio: float
    unit: str
    required: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """One of "ok", "short", "no peer" and "" (nothing required)."""
        if self.required is None:
            return ""
        if math.isnan(self.ratio):
            return "no peer"
        return "ok" if self.ratio >= self.required else "short"


def best_cpu_time(function: Callable[[], Any], *, repeats: int = 5, minimum: float = 0.05) -> float:
    """Return the CPU seconds of one call: the best of `repeats`, each at least `minimum` long.

    The first call is not counted, so that compilation and caches are out of the comparison; the
    best is taken because other work on the machine can only add time.
    """
    function()
    start = time.process_time()
    function()
    once = max(time.process_time() - start, 1e-7)
    calls = max(1, math.ceil(minimum / once))
    best = math.inf
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(calls):
            function()
        best = min(best, (time.process_time() - start) / calls)
    return best


def number(value: float) -> str:
    """Return three significant digits, or a dash where there is no number."""
    if math.isnan(value):
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
