"""Do the moves leave the right distribution alone, and do both engines make the same chain?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from astrokit.errors import InputError, LikelihoodError
from astrokit.inference import (
    FunctionProblem,
    HalfNormal,
    LogNormal,
    LogUniform,
    Moves,
    Normal,
    Parameter,
    Parameters,
    TruncatedNormal,
    Uniform,
    kernels,
)
from astrokit.inference.diagnostics import autocorrelation_time
from astrokit.inference.draws import CLOUD_FREEDOM, block_length, draw_block
from astrokit.inference.engines import (
    CompiledEngine,
    NumpyEngine,
    TablePrior,
    choose_engine,
    make_engine,
)
from astrokit.inference.moves import BlockMove
from astrokit.inference.problem import CompiledLikelihood
from tests.inference.targets import TARGETS, Banana, Gaussian, TwoModes, gaussian
from tests.reference import ensemble as reference

EACH_MOVE = {
    "stretch": Moves(1, 0, 0, 0, 0),
    "de": Moves(0, 1, 0, 0, 0),
    "cloud": Moves(0, 0, 0, 0, 1),
    "de_mode": Moves(0, 0.5, 0.5, 0, 0),  # gamma = 1 alone only visits a lattice of differences
    "snooker": Moves(0, 0, 0, 1, 0),
    "mixture": Moves(),
}


def advance(problem, engine, start, sweeps, *, seed=0, moves=None, thin=1):
    """Return the history ``(rows, W, d + 1)`` of an ensemble."""
    engine = make_engine(problem, engine)
    walkers, d = start.shape
    history = np.empty((sweeps // thin, walkers, d + 1))
    seed = np.random.SeedSequence(seed)
    move = BlockMove(engine, seed, moves or Moves(), history, thin=thin)
    coords = start.copy()
    log_prob = engine.log_posterior(coords)
    while move.step < sweeps:
        move.run(coords, log_prob, stop=sweeps)
    assert move.rows == len(history)
    return history


def ks_statistic(x):
    """Return sqrt(n) times the Kolmogorov-Smirnov distance of `x` from a standard normal."""
    from scipy.special import ndtr

    p = np.sort(ndtr(np.asarray(x).ravel()))
    n = p.size
    steps = np.arange(n + 1) / n
    return np.sqrt(n) * max((steps[1:] - p).max(), (p - steps[:-1]).max())


# Beyond 2.3 lie 5e-5 of the Kolmogorov distribution, 2 exp(-2 x^2): as rare as 4 sigma.
KS_LIMIT = 2.3


# -- stationarity -------------------------------------------------------------------------------


@pytest.mark.parametrize("moves", EACH_MOVE)
@pytest.mark.parametrize("target", TARGETS)
def test_moves_keep_the_target_distribution(target, moves):
    """Start with exact draws; after any number of sweeps they must still be exact draws.

    The ensemble's stationary law is a product, so all walkers of all ensembles stay independent
    and one Kolmogorov-Smirnov test with the textbook limit holds over all of them.
    """
    problem = TARGETS[target]()
    walkers, ensembles, sweeps = 12, 250, 40
    rng = np.random.default_rng(5)
    ends = [
        advance(
            problem, "compiled", problem.exact(rng, walkers), sweeps, seed=k, moves=EACH_MOVE[moves]
        )
        for k in range(ensembles)
    ]
    final = np.concatenate([history[-1, :, :-1] for history in ends])
    scores = problem.normal_scores(final)
    assert ks_statistic(scores) < KS_LIMIT
    moved = np.mean([(h[-1, :, :-1] != h[0, :, :-1]).any(axis=1).mean() for h in ends])
    assert moved > 0.9  # a sampler that stands still would pass the rest


@pytest.mark.parametrize(
    ("problem", "sweeps"), [(Gaussian(3), 1500), (Banana(), 8000)], ids=["gaussian", "banana"]
)
def test_walkers_find_the_target_from_elsewhere(problem, sweeps):
    """From a bad start, after burn-in, means and variances agree with the truth."""
    rng = np.random.default_rng(1)
    d = problem.parameters.n_free
    ensembles = 60
    ends = [
        advance(problem, "compiled", 20 + rng.standard_normal((20, d)), sweeps, seed=k)[-1, :, :-1]
        for k in range(ensembles)
    ]
    scores = problem.normal_scores(np.concatenate(ends))
    n = len(scores)
    assert np.all(np.abs(scores.mean(axis=0)) < 4 / np.sqrt(n))
    assert np.all(np.abs((scores**2).mean(axis=0) - 1) < 4 * np.sqrt(2 / n))


def test_both_modes_get_their_share():
    """Jumps with gamma = 1 carry walkers between modes 8 sigma apart, from a wrong division."""
    problem = TwoModes(2)
    rng = np.random.default_rng(2)
    ensembles, walkers = 100, 16
    shares = []
    for k in range(ensembles):
        start = rng.standard_normal((walkers, 2))
        start[::2] += 8.0  # half of them, where the truth is 0.3
        end = advance(problem, "compiled", start, 1000, seed=k)[-1]
        shares.append(np.mean(end[:, 0] > 4.0))
    error = np.std(shares, ddof=1) / np.sqrt(ensembles)
    assert abs(np.mean(shares) - 0.3) < 4 * error
    assert error < 0.02


@pytest.mark.parametrize("name", ["banana", "exponential", "gaussian 4"])
def test_same_distribution_as_the_moves_of_emcee(name):
    """Two-sample tests on chains thinned to independence."""
    import emcee

    problem = TARGETS[name]()
    d, walkers, sweeps = problem.parameters.n_free, 24, 6000
    start = problem.exact(np.random.default_rng(3), walkers)
    ours = advance(problem, "compiled", start, sweeps)[..., :-1]

    sampler = emcee.EnsembleSampler(
        walkers,
        d,
        problem.log_posterior,
        vectorize=True,
        moves=[(emcee.moves.StretchMove(), 0.3), (emcee.moves.DEMove(), 0.7)],
    )
    sampler.random_state = np.random.RandomState(4).get_state()
    sampler.run_mcmc(start, sweeps)
    theirs = sampler.get_chain()
    for k in range(d):
        samples = []
        for chain in (ours, theirs):
            step = int(np.ceil(3 * autocorrelation_time(chain[..., k])))
            samples.append(np.sort(chain[step::step, :, k].ravel()))
        a, b = samples
        at = np.concatenate(samples)
        gap = np.abs(
            np.searchsorted(a, at, "right") / a.size - np.searchsorted(b, at, "right") / b.size
        )
        assert gap.max() * np.sqrt(a.size * b.size / (a.size + b.size)) < KS_LIMIT


# -- one chain, whatever computes it ------------------------------------------------------------


def many_priors(fixed=False):
    priors = [
        LogUniform(1e-3, 1e3),
        Normal(0.5, 2.0),
        TruncatedNormal(0.0, 3.0, -1.0, 4.0),
        HalfNormal(2.0),
        LogNormal(0.0, 1.0),
        Uniform(-3.0, 3.0),
    ]
    items = [Parameter(f"x{k}", 0.5, prior) for k, prior in enumerate(priors)]
    if fixed:
        items[2] = Parameter("x2", 0.25, fixed=True)
    return Parameters(items)


@pytest.mark.parametrize(
    "problem",
    [
        Gaussian(1),
        Gaussian(5),
        Banana(),
        TwoModes(3),
        Gaussian(6, many_priors()),
        Gaussian(6, many_priors(fixed=True)),
    ],
    ids=["1", "5", "banana", "modes", "priors", "fixed"],
)
def test_engines_make_the_same_chain(problem):
    """Positions are equal bit by bit over many blocks; only likelihoods may differ by rounding."""
    d = problem.parameters.n_free
    start = np.random.default_rng(7).uniform(0.2, 0.9, (18, d))
    chains = [advance(problem, name, start, 1500, thin=3) for name in ("numpy", "compiled")]
    np.testing.assert_array_equal(chains[0][..., :-1], chains[1][..., :-1])
    np.testing.assert_allclose(chains[0][..., -1], chains[1][..., -1], rtol=1e-9, atol=1e-9)


def test_a_numpy_chain_without_tables_is_the_same():
    """Priors of scipy.stats have no table; the chain is the same where they mean the same."""
    from scipy import stats

    start = np.random.default_rng(7).uniform(0.2, 0.9, (12, 2))
    priors = Uniform(-200, 200), stats.uniform(-200, 400)
    chains = []
    for prior in priors:
        items = [Parameter(f"x{k}", 0.5, prior) for k in range(2)]
        chains.append(advance(Gaussian(2, Parameters(items)), "numpy", start, 300))
    np.testing.assert_array_equal(chains[0][..., :-1], chains[1][..., :-1])


@pytest.mark.parametrize("moves", EACH_MOVE)
def test_engines_follow_the_papers(moves):
    problem = Gaussian(3)
    start = problem.exact(np.random.default_rng(1), 10)
    draws = draw_block(np.random.SeedSequence(0), 0, 10, 3, EACH_MOVE[moves])
    # Rounding differences grow from sweep to sweep (the papers write other, equal formulas).
    wanted = reference.run(lambda x: problem.log_posterior(x)[0], start, draws, 25)
    for engine in ("numpy", "compiled"):
        chain = advance(problem, engine, start, 25, moves=EACH_MOVE[moves])[..., :-1]
        np.testing.assert_allclose(chain, wanted, rtol=1e-8, atol=1e-8)


def test_thinning_keeps_every_third_sweep():
    problem, start = Gaussian(2), Gaussian(2).exact(np.random.default_rng(1), 16)
    whole = advance(problem, "compiled", start, 900)
    np.testing.assert_array_equal(advance(problem, "compiled", start, 900, thin=3), whole[2::3])


def test_priors_in_the_kernel():
    parameters = many_priors()
    table = np.ascontiguousarray(parameters.compiled_priors)
    theta = parameters.sample_prior(np.random.default_rng(2), 200)
    theta[:20, 0] = -1.0  # outside
    theta[20:25, 5] = np.nan
    edge = parameters.bounds[:, 0]
    theta[25] = np.where(np.isfinite(edge), edge, 0.3)  # at the edge belongs to the support
    wanted = parameters.log_prior(theta)
    compiled = np.array([kernels.log_prior(row, table) for row in theta])
    np.testing.assert_allclose(compiled, wanted, rtol=1e-12)
    np.testing.assert_allclose(
        [kernels.log_prior.py_func(row, table) for row in theta[:30]], wanted[:30], rtol=1e-12
    )
    prior = TablePrior(table)
    inside = prior.inside(theta)
    np.testing.assert_array_equal(inside, np.isfinite(wanted))
    np.testing.assert_allclose(prior.density(theta[inside]), wanted[inside], rtol=1e-12)


# -- random decisions ---------------------------------------------------------------------------


def test_draws_are_what_the_moves_need():
    walkers, d = 14, 3
    draws = draw_block(np.random.SeedSequence(1), 4, walkers, d, Moves())
    length = block_length(walkers)
    assert draws.kind.shape == (length, 2)
    both = draws.active.reshape(length, walkers)
    np.testing.assert_array_equal(np.sort(both, axis=1), np.tile(np.arange(walkers), (length, 1)))
    for side in (0, 1):
        resting = draws.active[:, 1 - side]
        for j in range(3):
            chosen = draws.partners[:, side, j]
            assert (chosen[:, :, None] == resting[:, None, :]).any(axis=2).all()
    first, second, third = np.moveaxis(draws.partners, 2, 0)
    assert not ((first == second) | (first == third) | (second == third)).any()


def test_partners_and_kinds_have_the_right_frequencies():
    walkers, moves = 12, Moves(1, 2, 3, 4, 0)
    blocks = [draw_block(np.random.SeedSequence(1), k, walkers, 3, moves) for k in range(40)]
    kinds = np.concatenate([b.kind.ravel() for b in blocks])
    for kind, p in enumerate((0.1, 0.2, 0.3, 0.4)):
        assert abs(np.mean(kinds == kind) - p) < 4 * np.sqrt(p * (1 - p) / kinds.size)
    # Each partner in turn is any of the six resting walkers with equal probability.
    position = np.concatenate([_positions(b) for b in blocks])
    for j in range(3):
        counts = np.bincount(position[:, j].ravel(), minlength=6)
        expected = counts.sum() / 6
        chi2 = ((counts - expected) ** 2 / expected).sum()
        assert chi2 < 5 + 4 * np.sqrt(10)  # chi2 of 5 degrees: mean 5, variance 10


def _positions(draws):
    resting = draws.active[:, ::-1]
    return (draws.partners[..., None] == resting[:, :, None, None, :]).argmax(axis=-1)[:, 0]


def test_stretch_has_the_density_of_goodman_and_weare():
    """g(z) ~ z^(-1/2) on [1/2, 2], so sqrt(z) is uniform between its ends."""
    from scipy.special import ndtri

    draws = draw_block(np.random.SeedSequence(3), 0, 8, 2, Moves(1, 0, 0, 0, 0))
    low, high = np.sqrt(0.5), np.sqrt(2.0)
    assert draws.scale.min() >= 0.5
    assert draws.scale.max() <= 2.0
    assert ks_statistic(ndtri((np.sqrt(draws.scale) - low) / (high - low))) < KS_LIMIT


def test_variates_are_those_of_a_t_distribution():
    from scipy import stats
    from scipy.special import ndtri

    draws = draw_block(np.random.SeedSequence(3), 0, 8, 2, Moves(0, 0, 0, 0, 1))
    assert draws.variate.shape == (block_length(8), 2, 4, 2)
    one = stats.t(CLOUD_FREEDOM).cdf(draws.variate[..., 0])
    radius = np.sum(draws.variate**2, axis=-1) / 2
    assert ks_statistic(ndtri(one)) < KS_LIMIT
    assert ks_statistic(ndtri(stats.f(2, CLOUD_FREEDOM).cdf(radius))) < KS_LIMIT
    none = draw_block(np.random.SeedSequence(3), 0, 8, 2, Moves(1, 1, 0, 0, 0))
    assert none.variate.size == 0


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_cloud_without_extent_makes_no_proposal(engine):
    start = np.ones((8, 2))
    chain = advance(Gaussian(2), engine, start, 20, moves=Moves(0, 0, 0, 0, 1))
    assert (chain[..., :-1] == 1.0).all()


def test_a_cloud_takes_few_sweeps_between_independent_draws():
    """Four times fewer than without it, for three dimensions and the default walkers."""
    problem = Gaussian(3)
    start = problem.exact(np.random.default_rng(1), 32)
    tau = []
    for moves in (Moves(), Moves(cloud=0)):
        chain = advance(problem, "compiled", start, 4000, moves=moves)
        tau.append(max(autocorrelation_time(chain[..., k]) for k in range(3)))
    assert tau[0] < 6.0
    assert tau[1] > 2.0 * tau[0]


def test_blocks_depend_on_seed_and_number_alone():
    seed = np.random.SeedSequence(5, spawn_key=(2,))
    again = draw_block(seed, 3, 8, 2, Moves())
    seed.spawn(7)
    np.testing.assert_array_equal(draw_block(seed, 3, 8, 2, Moves()).scale, again.scale)
    assert not np.array_equal(draw_block(seed, 4, 8, 2, Moves()).scale, again.scale)


@pytest.mark.parametrize(
    "weights",
    [
        {"stretch": -1},
        dict.fromkeys(("stretch", "de", "de_mode", "snooker", "cloud"), 0),
        {"de": np.nan},
    ],
)
def test_bad_weights_are_refused(weights):
    with pytest.raises(InputError, match="weights of the moves"):
        Moves(**weights)


# -- engines --------------------------------------------------------------------------------------


def test_engine_is_chosen_by_the_problem():
    assert choose_engine(Gaussian(2)) == "compiled"
    plain = FunctionProblem(
        lambda v, data: -(v[:, 0] ** 2), Parameters([Parameter("a", 0, Uniform(-1, 1))]), [0.0]
    )
    assert choose_engine(plain) == "numpy"
    tied = Gaussian(
        2, Parameters([Parameter("x0", 0.5, Uniform(-9, 9)), Parameter("x1", 1, tied="2 * x0")])
    )
    assert choose_engine(tied) == "numpy"
    with pytest.raises(InputError, match="cannot use the compiled engine"):
        CompiledEngine(plain)
    with pytest.raises(InputError, match="engine is unknown"):
        choose_engine(plain, "fortran")


def test_data_of_a_kernel_may_be_read_only():
    class Frozen(Gaussian):
        @property
        def kernel(self):
            data = super().kernel.data.copy()
            data.flags.writeable = False
            return CompiledLikelihood(self.function, data)

    start = Gaussian(2).exact(np.random.default_rng(1), 8)
    frozen, free = (advance(p, "compiled", start, 50) for p in (Frozen(2), Gaussian(2)))
    np.testing.assert_array_equal(frozen, free)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numpy_engine_names_parameters_of_a_bad_likelihood(value):
    p = Parameters([Parameter("a", 0.5, Uniform(-1, 1)), Parameter("b", 3.0, fixed=True)])
    problem = FunctionProblem(lambda v, data: np.where(v[:, 0] > 0.5, value, 0.0), p, [0.0])
    with pytest.raises(LikelihoodError, match="NaN") as caught:
        NumpyEngine(problem).log_posterior(np.array([[0.1], [0.75]]))
    assert caught.value.parameters == {"a": 0.75, "b": 3.0}


def test_numpy_engine_keeps_the_check_of_shapes():
    p = Parameters([Parameter("a", 0.5, Uniform(-1, 1))])
    problem = FunctionProblem(lambda v, data: 0.0, p, [0.0])
    with pytest.raises(InputError, match="wrong shape"):
        NumpyEngine(problem).log_posterior(np.zeros((3, 1)))


def test_no_process_compiles_again():
    """A fresh process loads both the block and the likelihood from the cache on disk."""
    code = (
        "import numpy as np\n"
        "from tests.inference.test_moves import advance\n"
        "from tests.inference.targets import Gaussian\n"
        "from astrokit.inference import kernels\n"
        "problem = Gaussian(2)\n"
        "advance(problem, 'compiled', problem.exact(np.random.default_rng(1), 8), 8)\n"
        "stats = kernels.run_block.stats\n"
        "print(sum(stats.cache_misses.values()), sum(stats.cache_hits.values()),"
        " problem.kernel.function.pointer.cache_hits)\n"
    )
    for _ in range(2):
        result = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )
        assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["0", "1", "1"]


def test_a_likelihood_is_plain_python_and_pickles_by_name():
    import pickle

    values, data = np.array([1.0, 2.0]), np.eye(2)
    assert gaussian(values, data) == -2.5
    assert pickle.loads(pickle.dumps(gaussian)) is gaussian
