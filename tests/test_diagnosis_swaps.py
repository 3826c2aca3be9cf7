"""Each failure of a face swap is named with a remedy, and a sound one has none."""

import types
import warnings

import numpy as np
import pytest
import torch
from swap_stand_in import Copies, Exact, Half, OnePerson, crowd, pixel_judge

import dlq
from dlq.datasets.faces import IDENTITY
from dlq.history import History


@pytest.fixture(scope="module")
def people():
    return crowd()


@pytest.fixture(scope="module")
def judge():
    return pixel_judge()


class Overdone(Exact):
    """Goes half as far again as the exact swap."""

    def swap(self, source, target, mask=None):
        return (target + 1.5 * (self.truth(source, target) - target)).clamp(0, 1)


class Mistaken(Exact):
    """Paints somebody else for each source."""

    def swap(self, source, target, mask=None):
        others = (self.rows(source) + 60) % len(self.known)
        return self.truth(torch.from_numpy(self.known[others]), target)


class Remembers(Exact):
    """Exact pictures, and an adversary that never found the identity that the attributes hold."""

    adversary = types.SimpleNamespace()

    def attributes(self, target, mask=None):
        return torch.from_numpy(self.faces.parameters[self.rows(target)][:, : len(IDENTITY)])


def history(**terms):
    found = History()
    for step, values in enumerate(zip(*terms.values(), strict=True)):
        found.add(step, {name.replace("_", " "): value for name, value in zip(terms, values, strict=True)})
    return found


def kinds(model, people, judge, past=None, **options):
    found = dlq.diagnose_swaps(model, people, judge=judge, history=past, **options)
    assert all(any(word in problem for word in ("raise", "lower", "take", "leave")) for problem in found.problems)
    return [problem.partition(":")[0] for problem in found.problems]


def test_an_exact_swap_has_no_problem(people, judge):
    found = dlq.diagnose_swaps(Exact(people), people, judge=judge, num_probe=0)
    assert found.problems == ()
    assert "The swap goes well." in repr(found)
    assert "changes 100% of what an exact swap does" in repr(found)


def test_pictures_that_go_wrong(people, judge):
    assert kinds(Copies(people), people, judge, num_probe=0) == ["copies the target", "the target's identity leaks"]
    assert "ignores the source" in kinds(OnePerson(people), people, judge, num_probe=0)
    assert kinds(Overdone(people), people, judge, num_probe=0) == ["identity overdone"]
    assert "no swap yet" in kinds(Mistaken(people), people, judge, num_probe=0)
    assert "ignores the source" not in kinds(Half(people), people, judge, num_probe=0)


def test_opponents_that_go_wrong(people, judge):
    still = history(identity_adversary_total=np.full(20, 1.01), discriminator_total=[0.0] * 5 + [2.0] * 15)
    assert kinds(Remembers(people), people, judge, still) == ["dead adversary", "dead discriminator"]
    fell = history(identity_adversary_total=np.linspace(1, 0.3, 20), discriminator_total=np.geomspace(2, 0.001, 20))
    assert kinds(Remembers(people), people, judge, fell) == [
        "identity left in the attributes",
        "discriminator too strong",
    ]
    lively = history(discriminator_total=1.9 + 0.05 * np.sin(np.arange(20)))
    assert kinds(Exact(people), people, judge, lively) == []


def test_the_watch_warns_once_a_kind_at_doublings(people, judge):
    model, watch = Copies(people).train(), dlq.watch_swaps(people, judge=judge, after=10)
    past = History(steps=[5])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        watch(model, past)
    past.steps[-1] = 10
    with pytest.warns(UserWarning, match="step 10") as caught:
        watch(model, past)
    assert [str(each.message).partition(":")[0] for each in caught] == ["step 10"] * len(caught)
    assert "step 10: copies the target" in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in (15, 20):
            past.steps[-1] = step
            watch(model, past)
    assert model.training


def test_faces_without_exact_swaps_are_refused(people, judge):
    with pytest.raises(ValueError, match="these faces have no exact swaps to compare with"):
        dlq.diagnose_swaps(Exact(people), people.faces.data, judge=judge)
