"""Random numbers of the ensemble moves, drawn block by block before anything is evaluated.

Both engines (batched NumPy, compiled) consume the same :class:`BlockDraws` in the same way, so the
engine changes the speed of a chain, not its values. Block k of an ensemble depends on the seed
and on k alone: a run can stop at any sweep and go on bit-identically, with no generator state.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

__all__ = ["BlockDraws", "Moves", "block_length", "draw_block"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

STRETCH, DE, DE_MODE, SNOOKER, CLOUD = range(5)
CLOUD_FREEDOM = 5.0  # of the t distribution that a cloud of walkers gives
_STRETCH_WIDTH = 2.0  # the `a` of Goodman & Weare
_DE_JITTER = 1e-5  # relative; keeps the proposals from living on a lattice
_SNOOKER_RANGE = (1.2, 2.2)  # of gamma, as ter Braak & Vrugt advise
_UPDATES_PER_BLOCK = 8192  # walker updates drawn at once: under 1 MB


@dataclass(frozen=True)
class Moves:
    """Weights of the proposals that the sampler mixes; they need not add up to one.

    Parameters
    ----------
    stretch : float
        Stretch move of Goodman & Weare (2010, CAMCoS 5, 65), a = 2.
    de : float
        Differential evolution, gamma = 2.38 / sqrt(2 d): ter Braak (2006, Stat. Comput. 16, 239).
    de_mode : float
        Differential evolution with gamma = 1, which jumps between modes.
    snooker : float
        Snooker update: ter Braak & Vrugt (2008, Stat. Comput. 18, 435).
    cloud : float
        An independent draw from the t distribution of 5 degrees of freedom with the mean and the
        covariance of the resting half: where a posterior is nearly Gaussian and the walkers are
        many times its dimensions, most such draws are accepted, and few sweeps suffice. It belongs
        to the ensemble moves of Goodman & Weare (2010), whose proposals rest on the other half.

    Raises
    ------
    InputError
        For a negative weight, or no positive one.

    Examples
    --------
    >>> from astrokit.inference import Moves
    >>> Moves(stretch=1, de=1, de_mode=0, snooker=0, cloud=0).probabilities.tolist()
    [0.5, 0.5, 0.0, 0.0, 0.0]
    """

    stretch: float = 0.08
    de: float = 0.24
    de_mode: float = 0.04
    snooker: float = 0.04
    cloud: float = 0.6

    def __post_init__(self) -> None:
        weights = np.array(list(asdict(self).values()), dtype=float)
        if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.sum() > 0):
            raise InputError(
                "the weights of the moves cannot be used",
                value=asdict(self),
                allowed="numbers >= 0, at least one > 0",
            )

    @property
    def probabilities(self) -> FloatArray:
        """The normalised weights, shape ``(5,)``."""
        weights = np.array(list(asdict(self).values()), dtype=float)
        return weights / weights.sum()


@dataclass(frozen=True)
class BlockDraws:
    """All random decisions of B sweeps of W walkers; h = W / 2.

    Attributes
    ----------
    kind : ndarray of int, shape (B, 2)
        The proposal of each half-sweep: 0 stretch, 1 DE, 2 DE with gamma = 1, 3 snooker, 4
        cloud.
    active : ndarray of int, shape (B, 2, h)
        Indices of the walkers that move.
    partners : ndarray of int, shape (B, 2, 3, h)
        Three different walkers of the resting half for each of them.
    scale : ndarray, shape (B, 2, h)
        The z of a stretch, the gamma of the others.
    threshold : ndarray, shape (B, 2, h)
        A proposal is accepted where ``log p(new) - log p(old)`` exceeds this number. It holds
        ``log u`` and the Jacobian of the stretch; those of snooker and cloud depend on positions.
    variate : ndarray, shape (B, 2, h, d)
        Draws of a spherical t distribution for the cloud; of length 0 where it has no weight.
    """

    kind: IntArray
    active: IntArray
    partners: IntArray
    scale: FloatArray
    threshold: FloatArray
    variate: FloatArray


def block_length(walkers: int) -> int:
    """Return the number of sweeps whose random numbers are drawn at once."""
    return max(16, _UPDATES_PER_BLOCK // walkers)


def draw_block(
    seed: np.random.SeedSequence, block: int, walkers: int, dimension: int, moves: Moves
) -> BlockDraws:
    """Return the random decisions of block number `block` of the ensemble with this `seed`."""
    child = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, block))
    rng = np.random.default_rng(child)
    length, half = block_length(walkers), walkers // 2
    kind = rng.choice(5, size=(length, 2), p=moves.probabilities)
    order = np.tile(np.arange(walkers), (length, 1))
    active = rng.permuted(order, axis=1, out=order).reshape(length, 2, half)
    u = rng.random((5, length, 2, half))
    scale, log_jacobian = _scales(kind, u[3], dimension)
    return BlockDraws(
        kind=kind,
        active=active,
        partners=_partners(active, u[:3]),
        scale=scale,
        threshold=np.log1p(-u[4]) - log_jacobian,  # 1 - u is never 0
        variate=_variates(rng, (length, 2, half, dimension) if moves.cloud > 0 else (0, 0, 0, 0)),
    )


def _variates(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Return draws of a spherical t distribution; the last axis is the dimension."""
    normal = rng.standard_normal(shape)
    wide = rng.chisquare(CLOUD_FREEDOM, (*shape[:-1], 1))
    return normal * np.sqrt(CLOUD_FREEDOM / wide)


def _partners(active: IntArray, u: FloatArray) -> IntArray:
    """Return three different members of the resting half for each moving walker."""
    half = active.shape[2]
    first = (u[0] * half).astype(np.int64)
    second = (u[1] * (half - 1)).astype(np.int64)
    second += second >= first
    third = (u[2] * (half - 2)).astype(np.int64)
    third += third >= np.minimum(first, second)
    third += third >= np.maximum(first, second)
    resting = active[:, ::-1]
    chosen = [np.take_along_axis(resting, index, axis=2) for index in (first, second, third)]
    return np.stack(chosen, axis=2)


def _scales(kind: IntArray, u: FloatArray, dimension: int) -> tuple[FloatArray, FloatArray]:
    """Turn uniform numbers into the scale of each proposal and the log Jacobian of a stretch."""
    kind = np.broadcast_to(kind[..., None], u.shape)
    gamma = np.array([0.0, 2.38 / np.sqrt(2 * dimension), 1.0, 0.0, 0.0])[kind]
    scale = gamma * (1.0 + _DE_JITTER * (2.0 * u - 1.0))
    snooker = kind == SNOOKER
    low, high = _SNOOKER_RANGE
    scale[snooker] = low + (high - low) * u[snooker]
    stretch = kind == STRETCH
    z = ((_STRETCH_WIDTH - 1.0) * u[stretch] + 1.0) ** 2 / _STRETCH_WIDTH
    scale[stretch] = z
    log_jacobian = np.zeros(u.shape)
    log_jacobian[stretch] = (dimension - 1) * np.log(z)
    return scale, log_jacobian
