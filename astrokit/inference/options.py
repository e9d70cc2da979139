"""`SamplerOptions`: settings of the sampler that are rarely changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..boundary import as_scalar
from ..errors import InputError
from .draws import Moves

__all__ = ["SamplerOptions", "whole_number"]


def whole_number(value: Any, name: str, minimum: int) -> int:
    """Return a whole number of at least `minimum`, or raise an error that names it."""
    number = as_scalar(value, name)
    if number != int(number) or number < minimum:
        raise InputError(f"{name} must be a whole number", value=value, allowed=f">= {minimum}")
    return int(number)


@dataclass(frozen=True)
class SamplerOptions:
    """Settings of the sampler that are rarely changed.

    Parameters
    ----------
    thin : int
        Store every `thin`-th sweep. Without a checkpoint a stored sweep takes
        ``8 (d + 1) walkers ensembles`` bytes of memory.
    moves : Moves
        Mixture of proposals.
    start : None, "fit", "prior", mapping, Fit or ndarray
        Where walkers start; None takes the fit where it succeeds, else the prior. An array has
        shape ``(walkers, d)`` or ``(ensembles, walkers, d)``.
    engine : {"auto", "numpy", "compiled"}
        Changes the speed only; "auto" compiles where the problem names a kernel.
    progress : bool, optional
        Show progress; None shows it in a terminal or notebook once a run lasts two seconds.
    checkpoint_every : float
        Seconds between commits of a checkpoint.

    Raises
    ------
    InputError

    Examples
    --------
    >>> from astrokit.inference import Moves, SamplerOptions
    >>> SamplerOptions(thin=10, moves=Moves(de_mode=0.3)).thin
    10
    """

    thin: int = 1
    moves: Moves = field(default_factory=Moves)
    start: Any = None
    engine: str = "auto"
    progress: bool | None = None
    checkpoint_every: float = 10.0

    def __post_init__(self) -> None:
        whole_number(self.thin, "thin", 1)
        as_scalar(self.checkpoint_every, "checkpoint_every", minimum=0.0)
        if not isinstance(self.moves, Moves):
            raise InputError(
                "moves must be a Moves", value=self.moves, hint="Moves(stretch=1, ...)"
            )
