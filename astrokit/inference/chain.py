"""Where chains are kept in memory, and how they are read wherever they are kept.

A record is one stored sweep of one ensemble: float64 ``(W, d + 1)``, positions and, last, the log
posterior. Readers ask for strided ranges, so nothing needs a whole chain in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["ChainReader", "ChainView", "EnsembleState", "MemoryChain"]

FloatArray = NDArray[np.float64]

READ_BYTES = 1 << 23  # of records that a reader holds at once


@dataclass
class EnsembleState:
    """What an ensemble needs to go on: sweeps done, positions, log posteriors, acceptances."""

    step: int
    coords: FloatArray
    log_prob: FloatArray
    accepted: NDArray[np.int64]

    def copy(self) -> EnsembleState:
        """Return an independent copy."""
        return EnsembleState(
            self.step, self.coords.copy(), self.log_prob.copy(), self.accepted.copy()
        )

    def as_dict(self) -> dict[str, Any]:
        """Return JSON types; Python writes floats so that they come back exactly."""
        return {
            name: getattr(value, "tolist", lambda v=value: v)()
            for name, value in vars(self).items()
        }

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> EnsembleState:
        """Rebuild a state from :meth:`as_dict`."""
        return cls(
            int(record["step"]),
            np.array(record["coords"], dtype=float),
            np.array(record["log_prob"], dtype=float),
            np.array(record["accepted"], dtype=np.int64),
        )


class ChainReader(Protocol):
    """What a chain offers to those who read it."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(ensembles, rows, walkers, d + 1)``; rows that every ensemble has."""

    def read(
        self, ensemble: int, start: int = 0, stop: int | None = None, step: int = 1
    ) -> FloatArray:
        """Return records ``(n, W, d + 1)`` of a strided range of rows."""


class MemoryChain:
    """Chain of several ensembles in memory.

    Parameters
    ----------
    ensembles, walkers, dimension : int
    """

    def __init__(self, ensembles: int, walkers: int, dimension: int) -> None:
        self._record = (walkers, dimension + 1)
        self._pieces: list[list[FloatArray]] = [[] for _ in range(ensembles)]
        self.states: list[EnsembleState | None] = [None] * ensembles

    @classmethod
    def of(cls, records: FloatArray) -> MemoryChain:
        """Return a finished chain of records ``(ensembles, rows, W, d + 1)``."""
        chain = cls(records.shape[0], records.shape[2], records.shape[3] - 1)
        chain._pieces = [[ensemble] for ensemble in records]
        return chain

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(ensembles, rows, walkers, d + 1)``."""
        return (
            len(self._pieces),
            min(self.rows(e) for e in range(len(self._pieces))),
            *self._record,
        )

    def rows(self, ensemble: int) -> int:
        """Return how many rows this ensemble has."""
        return sum(len(piece) for piece in self._pieces[ensemble])

    def append(self, ensemble: int, records: FloatArray, state: EnsembleState) -> None:
        """Add records ``(n, W, d + 1)`` and the state after them."""
        if len(records):
            self._pieces[ensemble].append(np.ascontiguousarray(records))
        self.states[ensemble] = state

    def commit(self) -> None:
        """Nothing to do: memory is not kept."""

    def read(
        self, ensemble: int, start: int = 0, stop: int | None = None, step: int = 1
    ) -> FloatArray:
        """Return records ``(n, W, d + 1)`` of a strided range of rows."""
        pieces = self._pieces[ensemble]
        if len(pieces) > 1:
            pieces[:] = [np.concatenate(pieces)]
        if not pieces:
            return np.empty((0, *self._record))
        return pieces[0][start:stop:step]


@dataclass(frozen=True)
class ChainView:
    """The first `rows` rows of some ensembles of a chain: what a result was made from."""

    chain: ChainReader
    rows: int
    ensembles: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(ensembles, rows, walkers, d + 1)``."""
        return (len(self.ensembles), self.rows, *self.chain.shape[2:])

    def read(
        self, ensemble: int, start: int = 0, stop: int | None = None, step: int = 1
    ) -> FloatArray:
        """Return records ``(n, W, d + 1)`` of a strided range of rows."""
        stop = self.rows if stop is None else min(stop, self.rows)
        return self.chain.read(self.ensembles[ensemble], start, stop, step)

    def pieces(self, ensemble: int) -> Iterator[FloatArray]:
        """Yield all records of an ensemble in pieces of bounded memory."""
        length = max(1, READ_BYTES // (8 * self.shape[2] * self.shape[3]))
        for start in range(0, self.rows, length):
            yield self.read(ensemble, start, start + length)

    def equals(self, other: ChainView) -> bool:
        """Return whether both hold the same records, bit by bit."""
        return self.shape == other.shape and all(
            np.array_equal(mine, theirs)
            for e in range(self.shape[0])
            for mine, theirs in zip(self.pieces(e), other.pieces(e), strict=True)
        )
