"""Seeds: one way in, independent children out.

So 1 worker and n workers give the same numbers.
Nothing here touches NumPy's global random state.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import InputError

__all__ = ["SeedLike", "as_generator", "as_seed_sequence", "seed_entropy", "spawn"]

SeedLike = int | np.random.SeedSequence | np.random.Generator | None


def as_seed_sequence(seed: SeedLike) -> np.random.SeedSequence:
    """Return a ``SeedSequence`` made from an int, another one, a ``Generator``, or fresh entropy.

    An int or a SeedSequence always leads to the same children: a fresh, never-spawned copy is
    returned. A Generator is drawn from, so a second call continues its stream.

    Raises
    ------
    InputError
        For anything else, a negative int, or a bool.

    Examples
    --------
    >>> from astrokit.randomness import as_seed_sequence
    >>> as_seed_sequence(1).entropy
    1
    """
    if isinstance(seed, np.random.SeedSequence):
        return np.random.SeedSequence(
            seed.entropy, spawn_key=seed.spawn_key, pool_size=seed.pool_size
        )
    if isinstance(seed, np.random.Generator):
        return np.random.SeedSequence([int(word) for word in seed.integers(2**32, size=4)])
    if seed is None:
        return np.random.SeedSequence()
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool) and seed >= 0:
        return np.random.SeedSequence(int(seed))
    raise InputError(
        "seed cannot be used",
        value=seed,
        allowed="an int >= 0, a numpy SeedSequence, a numpy Generator, or None",
    )


def as_generator(seed: SeedLike) -> np.random.Generator:
    """Return a Generator; one that is given comes back as it is, so draws continue."""
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(as_seed_sequence(seed))


def spawn(seed: SeedLike, n: int) -> list[np.random.SeedSequence]:
    """Return `n` independent children of `seed`, the i-th always the same for the same seed."""
    return as_seed_sequence(seed).spawn(n)


def seed_entropy(seed: np.random.SeedSequence) -> dict[str, Any]:
    """Return what is needed to rebuild `seed`, as plain JSON types, for the provenance record."""
    entropy = seed.entropy
    if entropy is None:
        words: int | list[int] | None = None
    else:
        words = int(entropy) if isinstance(entropy, int) else [int(word) for word in entropy]
    return {"entropy": words, "spawn_key": [int(key) for key in seed.spawn_key]}
