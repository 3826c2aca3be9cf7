"""Identity scores of swaps by hand, and how each can be gamed: by one face for all, by a copy, by a perfect code."""

import numpy as np
import pytest

from dlq.metrics import change_correlation, linear_probe, mlp_probe, swap_identity, transfer

AXES = np.eye(6)
SOURCES, TARGETS = AXES[:3], AXES[3:]  # three sources and three targets, all orthogonal


def everywhere(vectors, axis):
    """Embeddings (S, K, d) that depend on the source (axis 0) or the target (axis 1) alone."""
    return np.broadcast_to(vectors[:, None] if axis == 0 else vectors[None], (3, 3, 6)).copy()


def scores(results, sources=SOURCES, targets=TARGETS):
    found = swap_identity(results, sources, targets)
    return [round(value, 6) for value in found[:5]]


@pytest.mark.parametrize(
    ("results", "expected"),
    [  # consistency, leak, retrieval, to the source, to the target
        (everywhere(SOURCES, 0), [1, 0, 1, 1, 0]),
        (everywhere(TARGETS, 1), [0, 1, 0, 0, 1]),
        (everywhere(SOURCES[:1].repeat(3, 0), 0), [1, 0, 1 / 3, 1 / 3, 0]),
        (everywhere(SOURCES, 0) + everywhere(TARGETS, 1), [0.5, 0.5**0.5, 0, 0.5**0.5, 0.5**0.5]),
    ],
    ids=["perfect code", "copy of the target", "one person for all", "half and half: a tie is no find"],
)
def test_by_hand(results, expected):
    assert scores(results) == pytest.approx(expected, abs=1e-5)


def test_means_are_over_sources_and_lengths_do_not_count():
    results = everywhere(SOURCES, 0)
    results[2] = TARGETS
    found = swap_identity(7 * results, 2 * SOURCES, TARGETS)
    np.testing.assert_allclose(found.by_source[:, 0], [1, 1, 0], atol=1e-12)
    np.testing.assert_allclose(found.by_source[:, 1], [0, 0, 1], atol=1e-12)
    assert found.retrieval == pytest.approx(2 / 3)
    assert found.to_source == pytest.approx(2 / 3)


def test_targets_may_differ_between_sources():
    results, targets = everywhere(TARGETS, 1), everywhere(TARGETS, 1)
    assert scores(results, targets=targets) == scores(results)
    targets[0] = targets[0, [1, 2, 0]]  # the first source's results are no copies of its own targets any more
    assert swap_identity(results, SOURCES, targets).by_source[0, 1] == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("results", "sources", "targets", "message"),
    [
        (np.ones((3, 1, 6)), SOURCES, TARGETS[:1], r"found results \(3, 1, 6\).*K at least 2"),
        (np.ones((3, 3, 6)), SOURCES[:2], TARGETS, r"sources \(2, 6\)"),
        (np.ones((3, 3, 6)), SOURCES, TARGETS[:2], r"targets \(2, 6\)"),
        (np.zeros((3, 3, 6)), SOURCES, TARGETS, "some embeddings of results are zero or not finite"),
    ],
)
def test_embeddings_that_do_not_belong_together_are_refused(results, sources, targets, message):
    with pytest.raises(ValueError, match=message):
        swap_identity(results, sources, targets)


# Slopes


RNG = np.random.default_rng(0)
OF_SOURCES, OF_TARGETS = RNG.standard_normal((8, 2)), RNG.standard_normal((9, 2))
SHRUNK = np.array([0.7, 0.4])  # what a judge that regresses to the mean makes of a true factor


def read(on_source, on_target):
    """Read-outs of faces whose factors are these shares of the source's and the target's, with a nuisance of the target."""
    nuisance = 0.1 * OF_TARGETS[:, ::-1]
    mixed = on_source * OF_SOURCES[:, None] + on_target * OF_TARGETS[None] + nuisance[None]
    return SHRUNK * mixed + 0.3


@pytest.mark.parametrize("shares", [(1, 0), (0, 1), (0.6, 0.3), (1.3, -0.1)])
def test_slopes_are_the_shares_of_source_and_target_whatever_the_judge_shrinks(shares):
    found = transfer(read(*shares), read(1, 0), OF_SOURCES, OF_TARGETS)
    np.testing.assert_allclose(found.on_source, shares[0], atol=1e-9)
    np.testing.assert_allclose(found.on_target, shares[1], atol=1e-9)
    assert found.means == pytest.approx(shares)


def test_a_factor_that_the_judge_cannot_read_is_left_out():
    exact = read(1, 0)
    exact[..., 1] = RNG.standard_normal((8, 9))
    found = transfer(exact, exact, OF_SOURCES, OF_TARGETS)
    assert np.isnan(found.on_source[1])
    assert found.means == pytest.approx((1, 0))


def test_read_outs_of_other_pairs_are_refused():
    with pytest.raises(ValueError, match=r"for factors \(8, 2\) of sources and \(8, 2\) of targets"):
        transfer(read(1, 0), read(1, 0), OF_SOURCES, OF_SOURCES)


# Pictures


def test_the_change_that_the_source_makes_by_hand():
    faces = RNG.random((4, 1, 3, 5, 5)) + np.zeros((1, 3, 1, 1, 1))
    scenes = RNG.random((1, 3, 3, 5, 5))
    exact = faces + 5 * scenes
    assert change_correlation(exact, exact) == pytest.approx(1)
    assert change_correlation(0.4 * faces + scenes, exact) == pytest.approx(1, abs=1e-5)  # weaker, in another scene
    assert change_correlation(np.broadcast_to(scenes, exact.shape), exact) == 0  # a copy of the target
    assert change_correlation(-faces + scenes, exact) == pytest.approx(-1, abs=1e-5)
    mask = np.zeros((4, 3, 5, 5))
    mask[..., :2] = 1
    spoilt = exact.copy()
    spoilt[..., 3:] = RNG.random(spoilt[..., 3:].shape)
    assert change_correlation(spoilt, exact, mask) == pytest.approx(1)
    assert change_correlation(spoilt, exact) < 0.9


# Probes


def people(num=60, each=6, seed=0):
    rng = np.random.default_rng(seed)
    factors = rng.uniform(-1, 1, (num, 2)).repeat(each, 0)
    return factors, np.arange(num).repeat(each), rng.standard_normal((num * each, 8))


def test_what_is_in_plain_sight_is_read_and_noise_is_not():
    factors, groups, noise = people()
    latents = np.concatenate([3 * factors[:, :1] + 0.01 * noise[:, :1], noise[:, 1:]], 1)
    found = linear_probe(factors, latents, groups)
    assert found.r2[0] > 0.99
    assert found.r2[1] < 0.1
    assert (found.num_train, found.num_test) == (240, 120)


def test_only_a_network_reads_what_is_hidden():
    factors, groups, noise = people(num=200)
    hidden = np.concatenate([np.cos(4 * factors), noise[:, :1]], 1)  # even in the factor: no linear trace of it
    hidden = np.concatenate([hidden, np.sign(factors) + 0.1 * noise[:, :2]], 1)
    linear, net = linear_probe(factors, hidden, groups), mlp_probe(factors, hidden, groups)
    assert net.mean > 0.95 > linear.mean + 0.05


def test_remembering_the_people_does_not_help():
    factors, groups, _ = people()
    who = np.eye(60)[groups]  # says exactly who it is, and nothing about anybody new
    for probe in (linear_probe, mlp_probe):
        assert probe(factors, who, groups).mean < 0.1


def test_a_constant_factor_has_no_r2_and_few_groups_are_refused():
    factors, groups, noise = people()
    factors[:, 1] = 3.0
    assert np.isnan(linear_probe(factors, noise, groups).r2[1])
    with pytest.raises(ValueError, match="found 5 groups, at least 12 are needed"):
        linear_probe(factors[:30], noise[:30], groups[:30])
    with pytest.raises(ValueError, match="give \\(n, F\\), \\(n, d\\) and \\(n,\\)"):
        mlp_probe(factors, noise[:5], groups)
