"""Ordinal networks: which pattern follows which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ShapeError
from .counting import IntArray, patterns_of_codes, window_codes
from .entropies import shannon
from .noise import require_count
from .series import as_series, check_delay, check_size

__all__ = ["OrdinalNetwork", "ordinal_network"]

FloatArray = NDArray[np.float64]
_MOST_NODES = 5040


@dataclass(frozen=True, eq=False)
class OrdinalNetwork:
    """Transitions between the ordinal patterns of a series.

    Attributes
    ----------
    n, delay, step : int
        `step` is the number of samples between the two windows of a transition.
    codes : ndarray of int64, shape (k,)
        The patterns that occur (nodes).
    transitions : ndarray of int64, shape (k, k)
        How often the row's pattern is followed by the column's.
    """

    n: int
    delay: int
    step: int
    codes: IntArray
    transitions: IntArray

    @property
    def patterns(self) -> IntArray:
        """The nodes as patterns, shape (k, n)."""
        return patterns_of_codes(self.codes, self.n)

    @property
    def probabilities(self) -> FloatArray:
        """Probability of the column's pattern after the row's, (k, k); zero for dead ends."""
        total = self.transitions.sum(axis=1, keepdims=True)
        return np.divide(self.transitions, np.maximum(total, 1))

    @property
    def weights(self) -> FloatArray:
        """Share of each node as the start of a transition, shape (k,)."""
        return self.transitions.sum(axis=1) / self.transitions.sum()

    @property
    def n_edges(self) -> int:
        """Number of transitions that occur, loops included."""
        return int(np.sum(self.transitions > 0))

    @property
    def node_entropies(self) -> FloatArray:
        """Entropy of what follows each node, in nats, shape (k,)."""
        return np.asarray(shannon(self.probabilities))

    @property
    def global_node_entropy(self) -> float:
        """Mean of the node entropies, weighted by how often each node occurs, in nats."""
        return float(self.weights @ self.node_entropies)

    def to_edges(self) -> list[tuple[tuple[int, ...], tuple[int, ...], float]]:
        """Return ``(pattern, next pattern, share of all transitions)`` for graph packages."""
        names = [tuple(row) for row in self.patterns.tolist()]
        total = self.transitions.sum()
        rows, columns = np.nonzero(self.transitions)
        return [
            (names[i], names[j], float(self.transitions[i, j] / total))
            for i, j in zip(rows, columns, strict=True)
        ]

    def __str__(self) -> str:
        return (
            f"ordinal network, n = {self.n}, delay {self.delay}, step {self.step}: "
            f"{self.codes.size} nodes, {self.n_edges} edges, "
            f"global node entropy {self.global_node_entropy:.4f} nats"
        )

    __repr__ = __str__


def ordinal_network(
    x: Any,
    *,
    n: int = 4,
    delay: int = 1,
    step: int = 1,
    ties: Any = "order",
    missing: str | None = None,
) -> OrdinalNetwork:
    """Return the network of transitions between ordinal patterns (McCullough et al. 2017).

    Parameters
    ----------
    x, n, delay, ties, missing
        As for :func:`ordinal_counts`; a transition needs both windows.
    step : int
        Samples from one window to the next: 1 for the next one, ``delay * n`` for the next
        without overlap.

    Returns
    -------
    OrdinalNetwork

    Raises
    ------
    ShapeError
        If no two windows are `step` apart.
    InputError
        If more than 5040 patterns occur.

    Examples
    --------
    >>> import astrokit as ak
    >>> network = ak.complexity.ordinal_network([4, 7, 9, 10, 6, 11, 3], n=2)
    >>> network.transitions.tolist()
    [[2, 2], [1, 0]]
    """
    from .kernels import count_transitions

    n, delay, step = check_size(n), check_delay(delay), require_count(step, "step")
    codes = window_codes(as_series(x, missing=missing, ties=ties), n, delay)
    usable = codes >= 0
    nodes, where = np.unique(codes[usable], return_inverse=True)
    if nodes.size > _MOST_NODES:
        raise InputError(
            "the network has too many nodes for a matrix",
            value=nodes.size,
            allowed=f"at most {_MOST_NODES}",
            hint="use a smaller n",
        )
    numbered = np.zeros(codes.size, np.int64)
    numbered[usable] = where
    table = np.zeros((nodes.size, nodes.size), np.int64)
    count_transitions(numbered, usable, step, table)
    if not table.any():
        raise ShapeError(
            "no two windows are one step apart",
            value=f"{codes.size} windows, step {step}",
            hint="use a smaller step",
        )
    return OrdinalNetwork(n, delay, step, nodes, table)
