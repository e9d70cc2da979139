"""Seeds lead to the same children, whoever asks and how often."""

from __future__ import annotations

import json

import numpy as np
import pytest

from astrokit.errors import InputError
from astrokit.randomness import as_generator, as_seed_sequence, seed_entropy, spawn


def draws(seed: np.random.SeedSequence) -> list[int]:
    return np.random.default_rng(seed).integers(2**32, size=4).tolist()


def test_an_int_always_gives_the_same_children() -> None:
    assert [draws(s) for s in spawn(7, 3)] == [draws(s) for s in spawn(7, 3)]


def test_the_first_children_do_not_depend_on_how_many_follow() -> None:
    assert [draws(s) for s in spawn(7, 2)] == [draws(s) for s in spawn(7, 9)[:2]]


def test_a_seed_sequence_is_not_used_up() -> None:
    seed = np.random.SeedSequence(3)
    assert [draws(s) for s in spawn(seed, 2)] == [draws(s) for s in spawn(seed, 2)]
    assert seed.n_children_spawned == 0


def test_a_generator_continues_its_stream() -> None:
    first = np.random.default_rng(1)
    second = np.random.default_rng(1)
    children = [draws(spawn(first, 1)[0]) for _ in range(2)]
    assert children[0] != children[1]
    assert children == [draws(spawn(second, 1)[0]) for _ in range(2)]
    assert as_generator(first) is first


def test_children_differ() -> None:
    assert len({tuple(draws(s)) for s in spawn(0, 100)}) == 100


def test_no_seed_is_fresh_each_time() -> None:
    assert as_seed_sequence(None).entropy != as_seed_sequence(None).entropy


@pytest.mark.parametrize("seed", [-1, 1.5, "one", True, [1, 2]])
def test_other_seeds_are_refused(seed: object) -> None:
    with pytest.raises(InputError, match="SeedSequence"):
        as_seed_sequence(seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [5, None, np.random.default_rng(2)])
def test_recorded_entropy_rebuilds_the_seed(seed: object) -> None:
    child = spawn(seed, 3)[2]  # type: ignore[arg-type]
    record = json.loads(json.dumps(seed_entropy(child)))
    again = np.random.SeedSequence(record["entropy"], spawn_key=record["spawn_key"])
    assert draws(again) == draws(child)


def test_the_global_state_is_left_alone() -> None:
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    as_generator(1).random(5)
    spawn(1, 3)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
