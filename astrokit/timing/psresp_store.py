"""The simulations of PSRESP on disk: a long run that was stopped goes on where it was."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CheckpointError
from ..parallel import map_items

if TYPE_CHECKING:
    from .psresp_draws import BandedDraws

__all__ = ["all_products"]

FloatArray = NDArray[np.float64]
_BATCH = 100  # simulations between two writes


def all_products(
    draws: BandedDraws,
    count: int,
    seed: np.random.SeedSequence,
    *,
    executor: Executor | None = None,
    store: Path | None = None,
    identity: Mapping[str, Any],
) -> FloatArray:
    """Return the simulations ``(count, bins, pairs)``, those of a store first.

    Parameters
    ----------
    draws : BandedDraws
        Makes one simulation from its number and its seed.
    count : int
    seed : SeedSequence
        Each simulation has its own child, so more of them can be added later.
    executor : concurrent.futures.Executor, optional
    store : Path, optional
        A file, rewritten after each batch; whole at any moment.
    identity : mapping
        In plain JSON types: what must be the same for stored simulations to be of use.

    Raises
    ------
    CheckpointError
        When the file holds something else.
    """
    seeds = seed.spawn(count)
    if store is None:
        return np.array(map_items(draws, range(count), seeds=seeds, executor=executor))
    words = json.dumps(identity, sort_keys=True)
    done = _read(store, words)[:count]
    while len(done) < count:
        todo = range(len(done), min(len(done) + _BATCH, count))
        more = map_items(draws, todo, seeds=[seeds[i] for i in todo], executor=executor)
        done = [*done, *more]
        _write(store, words, np.array(done))
    return np.array(done)


def _read(store: Path, words: str) -> list[FloatArray]:
    if not store.exists():
        return []
    try:
        with np.load(store, allow_pickle=False) as file:
            stored, products = str(file["identity"]), file["products"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            "the checkpoint is not one of psresp",
            value=store.name,
            hint="give another path, or delete the file",
        ) from error
    if stored != words:
        ours, theirs = json.loads(words), json.loads(stored)
        differing = [key for key in ours if theirs.get(key) != ours[key]]
        raise CheckpointError(
            f"the checkpoint belongs to another run: {', '.join(differing)} differ",
            value=store.name,
            hint="repeat the first call, with its seed, or give another path",
        )
    return list(products)


def _write(store: Path, words: str, products: FloatArray) -> None:
    temporary = store.with_name(store.name + ".tmp")
    with temporary.open("wb") as file:
        np.savez(file, identity=np.array(words), products=products)
    temporary.replace(store)
