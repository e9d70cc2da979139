"""Maps keep order, seeds and errors, through any executor."""

from __future__ import annotations

import functools
import os
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from astrokit import parallel
from astrokit.errors import AstrokitError, InputError
from astrokit.parallel import ItemError, map_items
from astrokit.randomness import spawn


def square(x: int) -> int:
    return x * x


def draw(x: int, seed: np.random.SeedSequence) -> float:
    return x + np.random.default_rng(seed).random()


def fails_on_three(x: int) -> int:
    if x == 3:
        raise InputError("three is not wanted", value=x)
    return x


class StubbornError(Exception):
    """An exception that cannot be rebuilt from its pickle."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a} and {b}")


def fails_stubbornly(x: int) -> int:
    raise StubbornError(x, x)


def dies(x: int) -> None:
    os._exit(1)


class Payload:
    """Counts how often it is unpickled in this process."""

    loads = 0

    def __getstate__(self) -> dict[str, int]:
        return {"nothing": 0}

    def __setstate__(self, state: dict[str, int]) -> None:
        type(self).loads += 1


def use(payload: Payload, x: int) -> int:
    return x


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield pool


@pytest.fixture(params=["serial", "threads", "processes"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor | None]:
    if request.param == "serial":
        yield None
    elif request.param == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    else:
        yield request.getfixturevalue("processes")


def test_order_is_kept(executor: Executor | None) -> None:
    assert map_items(square, range(50), executor=executor) == [x * x for x in range(50)]


def test_seeds_belong_to_items_not_to_workers(executor: Executor | None) -> None:
    seeds = spawn(4, 20)
    expected = [x + np.random.default_rng(s).random() for x, s in enumerate(seeds)]
    assert map_items(draw, range(20), seeds=seeds, executor=executor) == expected


def test_errors_are_kept_per_item(executor: Executor | None) -> None:
    results = map_items(fails_on_three, range(5), executor=executor, keep_errors=True)
    kept = results.pop(3)
    assert results == [0, 1, 2, 4]
    assert isinstance(kept, ItemError)
    assert isinstance(kept.error, InputError)
    assert kept.error.value == 3
    assert str(kept).startswith("item 3: InputError: three is not wanted")


def test_the_first_error_names_its_item(executor: Executor | None) -> None:
    with pytest.raises(InputError, match="three") as caught:
        map_items(fails_on_three, range(5), executor=executor)
    assert "item 3 of 5" in caught.value.__notes__[0]


def test_an_error_that_cannot_travel_keeps_its_words(processes: Executor) -> None:
    (kept,) = map_items(fails_stubbornly, [1], executor=processes, keep_errors=True)
    assert "StubbornError: 1 and 1" in str(kept)


def test_a_dead_worker_is_reported() -> None:
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(AstrokitError, match="worker of the executor died"),
    ):
        map_items(dies, [1], executor=pool)


def test_a_lambda_is_refused_with_advice(processes: Executor) -> None:
    with pytest.raises(InputError, match="top level"):
        map_items(lambda x: x, [1], executor=processes)


def test_seeds_must_match_items() -> None:
    with pytest.raises(InputError, match="differ in number"):
        map_items(draw, [1, 2], seeds=spawn(0, 3))


def test_no_items_no_work(executor: Executor | None) -> None:
    assert map_items(square, [], executor=executor) == []


class CountingExecutor(Executor):
    """Runs at once in this thread and keeps what was submitted."""

    def __init__(self) -> None:
        self.tasks: list[tuple[object, ...]] = []

    def submit(self, function, /, *args, **kwargs):  # type: ignore[no-untyped-def, override]
        self.tasks.append(args)
        future: Future[object] = Future()
        future.set_result(function(*pickle.loads(pickle.dumps(args)), **kwargs))
        return future


def test_data_travel_once_and_short_items_are_bundled() -> None:
    parallel._functions.clear()
    Payload.loads = 0
    pool = CountingExecutor()
    assert map_items(functools.partial(use, Payload()), range(20_000), executor=pool) == list(
        range(20_000)
    )
    payload = [task for task in pool.tasks if task[1] is not None]
    # Tasks submitted before the first answer all ask for the function; later ones find it.
    assert len(payload) <= 4 * 64 + 1
    assert Payload.loads == 1
    # 20,000 items of microseconds each must not become 20,000 tasks.
    assert len(pool.tasks) < 2_000


MEETING = threading.Barrier(2, timeout=20)


def meet(x: int) -> int:
    return MEETING.wait()


def test_threads_are_really_used() -> None:
    with ThreadPoolExecutor(2) as pool:
        assert sorted(map_items(meet, [0, 1], executor=pool)) == [0, 1]


def test_progress_bar_counts_items(capsys: pytest.CaptureFixture[str]) -> None:
    map_items(square, range(3), progress="squares")
    shown = capsys.readouterr().err
    assert "squares" in shown
    assert "3/3" in shown
