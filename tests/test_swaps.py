"""Swaps scored where the answer is known: exact swaps, copies, one person for all; and what leaves the notebook."""

import json
import math
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from swap_stand_in import SIZE, Copies, Exact, Half, OnePerson, People, PixelJudge, crowd, pixel_judge

import dlq
from dlq.datasets import identity_faces
from dlq.datasets.faces import IDENTITY, NAMES, render
from dlq.fingerprint import digest
from dlq.swaps import RealJudge, detect_swaps, pairs_of, real_judge_is_installed, save_swap, tagged, walk

PAIRS = {"num_sources": 6, "num_targets": 5, "num_probe": 0}


@pytest.fixture(scope="module")
def people():
    return crowd()


@pytest.fixture(scope="module")
def judge():
    return pixel_judge()


@pytest.fixture(scope="module")
def scores(people, judge):
    models = {"exact": Exact, "copy": Copies, "one": OnePerson, "half": Half}
    return {name: dlq.evaluate_swaps(kind(people), people, judge=judge, **PAIRS) for name, kind in models.items()}


def test_the_exact_swaps_score_as_the_row_of_exact_swaps(scores):
    found = scores["exact"]
    assert found.rows["model"] == pytest.approx(found.rows["exact"], nan_ok=True, abs=1e-6)
    assert found.l1_inside == pytest.approx(0, abs=1e-6)
    assert found.psnr_inside == 99
    assert found.l1_outside < 1e-3  # skin that is shaded under the edge of the hair
    assert found.correlation == pytest.approx(1)
    assert found.leak_over_exact == pytest.approx(0, abs=1e-6)
    assert (found.on_source, found.on_target) == pytest.approx((1, 0), abs=1e-6)


def test_a_copy_scores_as_the_copy_and_leaks(scores):
    found = scores["copy"]
    assert found.rows["model"] == pytest.approx(found.rows["copy of target"], nan_ok=True, abs=1e-6)
    assert found.retrieval == 0
    assert found.to_target == pytest.approx(1)
    assert found.correlation == 0
    assert found.leak_over_exact > 0.2
    assert found.on_source == pytest.approx(0, abs=1e-6)
    assert found.on_target > 0.5
    assert found.l1_outside == 0


def test_one_person_for_all_is_consistent_and_not_found(scores):
    found = scores["one"]
    assert found.consistency >= found.rows["exact"]["consistency"] - 0.1
    assert found.retrieval <= 1 / 3  # one of six sources may be near
    assert found.correlation == 0


def test_half_of_the_way_is_half_of_the_way(scores):
    found, copy = scores["half"], scores["copy"]
    assert found.l1_inside == pytest.approx(copy.l1_inside / 2, rel=1e-5)
    assert found.psnr_inside == pytest.approx(copy.psnr_inside + 20 * math.log10(2), abs=1e-3)
    assert found.correlation == pytest.approx(1)
    assert found.on_source == pytest.approx(0.5, abs=1e-5)  # this judge is linear
    assert found.on_target == pytest.approx(copy.on_target / 2, abs=1e-5)


def test_the_copy_of_the_source_has_its_own_pose(scores):
    row = scores["exact"].rows["copy of source"]
    assert row["retrieval"] == 1
    assert row["pose"] > scores["exact"].rows["exact"]["pose"]


def test_skin_tones_have_errors_of_their_own(people, judge):
    found = dlq.evaluate_swaps(Half(people), people, judge=judge, num_sources=2, num_targets=16, num_probe=0)
    assert list(found.by_skin) == ["light", "medium", "dark"]
    assert sum(row["targets"] for row in found.by_skin.values()) == 16
    for row in found.by_skin.values():
        assert row["l1_inside"] == pytest.approx(row["l1_of_copy"] / 2, rel=1e-5)


def test_probes_read_what_the_codes_hold(people, judge):
    pairs = {"judge": judge, "num_sources": 2, "num_targets": 2}
    told, silent = (dlq.evaluate_swaps(kind(people), people, **pairs).probes for kind in (Copies, Exact))
    assert told["attributes linear"].mean > 0.95
    assert silent["attributes linear"].mean < 0.1
    assert silent["attributes MLP"].mean < 0.1
    assert silent["background linear"].mean < 0.5  # the outline tells a little


def test_the_result_can_be_read_and_stored(scores):
    found = scores["copy"]
    text = repr(found)
    assert text.splitlines()[0].startswith("6 sources x 5 targets, people never trained on, seed 0")
    assert "leak_over_exact" in text
    assert "copy of source" in found._repr_html_()
    stored = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert stored["rows"]["model"]["retrieval"] == 0
    assert {None if slope is None else round(slope, 5) for slope, _ in stored["slopes"].values()} <= {None, 0}
    with pytest.raises(AttributeError, match="these scores have no 'beauty'"):
        found.beauty  # noqa: B018


def test_the_model_gets_the_targets_masks_and_keeps_its_mode(people, judge):
    model = Exact(people).train()
    dlq.evaluate_swaps(model, people, judge=judge, **PAIRS)
    assert model.training
    (mask,) = model.seen_masks
    assert mask.shape == (30, 1, SIZE, SIZE)
    assert 0 <= mask.min() < mask.max() == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_sources": 30, "num_targets": 30}, "30 sources and 30 targets are asked for and there are 40 people"),
        ({"num_sources": 1}, "at least 2 of each are needed"),
    ],
)
def test_too_few_people(people, judge, options, message):
    with pytest.raises(ValueError, match=message):
        dlq.evaluate_swaps(Exact(people), people, judge=judge, **options)


def test_the_judge_must_not_be_the_network_trained_with(people, judge):
    model = Exact(people)
    model.reader = PixelJudge(people)
    model.reader.load_state_dict(judge.state_dict())
    with pytest.raises(ValueError, match="the judge is the network that this model was trained with"):
        dlq.evaluate_swaps(model, people, judge=judge, **PAIRS)
    with pytest.raises(ValueError, match="cannot say who is shown"):
        dlq.evaluate_swaps(model, people, judge=object(), **PAIRS)


def test_larger_images_are_averaged_for_a_smaller_judge(judge):
    twice = People(40, 3, 2 * SIZE, seed=5)
    found = dlq.evaluate_swaps(Exact(twice), twice, judge=judge, num_sources=4, num_targets=4, num_probe=0)
    assert found.notes == (f"the judge reads {SIZE} pixels: these images of {2 * SIZE} were averaged down for it",)
    small = People(4, 3, 16, seed=5)
    with pytest.raises(ValueError, match=r"the judge takes \(3, 24, 24\) or a whole multiple"):
        dlq.evaluate_swaps(Exact(small), small, judge=judge, num_sources=2, num_targets=2, num_probe=0)


def test_an_embedder_alone_judges_who_it_is(people, judge):
    class Embedder:
        def embed(self, x):
            return judge.embed(torch.from_numpy(x)).detach()

    found = dlq.evaluate_swaps(Copies(people), people, judge=Embedder(), **PAIRS)
    assert found.retrieval == 0
    assert math.isnan(found.on_source)
    assert found.transfer is None


# Walks, a detector, files


def test_a_walk_moves_one_parameter_of_one_side(people):
    class Target(Copies):
        def swap(self, source, target, mask=None):
            return target.clone()

    found = walk(Target(people), people, 0, 60, "mouth_open", steps=5)
    assert (found.moves, found.values.tolist()) == ("target", [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_array_equal(found.results, found.inputs)
    by_hand = people.faces.faces([60])._replace(mouth_open=0.5)
    np.testing.assert_array_equal(found.inputs[2], render(by_hand, SIZE).images[0])
    beard = walk(Target(people), people, 0, 60, "beard", steps=3)
    assert beard.moves == "source"
    np.testing.assert_array_equal(beard.results[0], beard.results[2])  # the target stands still
    assert (beard.truth[0] != beard.truth[2]).any()
    whole = people.faces.swap([0], [60]).images[0]
    at = np.interp(people.parameters[0, NAMES.index("beard")], beard.values, [0, 1, 2])
    nearest = beard.truth[round(at)]
    assert np.abs(nearest.astype(float) - whole.numpy()).mean() < 12
    with pytest.raises(ValueError, match="a face has no parameter 'nose'"):
        walk(Target(people), people, 0, 60, "nose")


def test_a_detector_finds_what_gives_swaps_away(people):
    class Marked(Exact):
        def swap(self, source, target, mask=None):
            x = target.clone()
            x[:, 0, 8:16, 8:16] = 1.0  # a red patch
            return x

    found = detect_swaps(Marked(people), people, num_images=160, steps=80)
    assert found.accuracy > 0.9
    assert found.calls(people.images[:60] / 255).mean() < 0.2  # real ones, most of which it learnt from
    with pytest.raises(ValueError, match="found 4 people, a detector needs at least 12"):
        detect_swaps(Marked(people), identity_faces(4, 2, SIZE))


def test_nothing_gives_copies_away(people):
    found = detect_swaps(Copies(people), people, num_images=120, steps=40)
    assert abs(found.accuracy - 0.5) < 0.25
    assert "chance 50%" in repr(found)


def test_a_saved_swap_carries_a_tag_a_note_and_a_record(people, tmp_path):
    model, image = Exact(people), people.images[3]
    path = save_swap(image, tmp_path / "swap.png", model=model, source="row 3", target="b.png", date="2026-01-31")
    record = json.loads((tmp_path / "swap.json").read_text())
    assert record["synthetic"] is True
    assert (record["source"], record["target"], record["date"]) == ("row 3", "b.png", "2026-01-31")
    assert record["model"] == digest(model)
    with Image.open(path) as picture:
        assert picture.size == (144, 144)  # six times 24: at least 128
        assert json.loads(picture.text["dlq-swap"])["model"] == digest(model)
        assert picture.text["Comment"].startswith("SYNTHETIC")
        pixels = np.asarray(picture)
    np.testing.assert_array_equal(pixels[:100], image.transpose(1, 2, 0).repeat(6, 0).repeat(6, 1)[:100])
    corner = pixels[-16:-4, -70:-4].reshape(-1, 3)
    assert (corner > 200).all(1).mean() > 0.1  # white letters
    assert (corner == 0).all(1).mean() > 0.3  # on black


def test_without_the_tag_the_pixels_are_left_alone(people, tmp_path):
    image = people.images[3]
    path = save_swap(image / 255, tmp_path / "swap.png", model=Exact(people), source="a", target="b", tag=False)
    with Image.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(picture), image.transpose(1, 2, 0))
        assert "dlq-swap" in picture.text
    assert json.loads((tmp_path / "swap.json").read_text())["tagged"] is False


def test_a_large_picture_keeps_its_size():
    assert tagged(np.zeros((3, 256, 256), np.uint8)).shape == (3, 256, 256)
    assert tagged(np.zeros((1, 64, 64), np.uint8)).shape == (3, 128, 128)


@pytest.mark.parametrize(
    ("image", "name", "message"),
    [
        (np.zeros((4, 3, 8, 8)), "a.png", r"found an array of shape \(4, 3, 8, 8\); give one image"),
        (np.full((3, 8, 8), 255.0), "a.png", "give uint8, or floats in"),
        (np.zeros((3, 8, 8)), "a.jpg", "a.jpg does not end in .png"),
    ],
)
def test_only_an_image_is_saved(image, name, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        save_swap(image, tmp_path / name, model=torch.nn.Linear(1, 1), source="a", target="b")


def test_pairs_of_rows(people):
    pairs = pairs_of(people, [0, 3], [9, 12, 15])
    assert pairs.shape == (2, 3)
    exact = people.faces.swap([3], [12])
    np.testing.assert_array_equal((255 * pairs.exact[1, 1]).round(), exact.images[0])
    np.testing.assert_array_equal(pairs.exact_mask[1, 1], exact.skin[0])
    assert pairs.union()[1, 1].sum() >= (exact.skin[0] > 0).sum()
    assert len(IDENTITY) == 13
    with pytest.raises(ValueError, match="there are no sources or no targets"):
        pairs_of(people, [], [1])
    with pytest.raises(ValueError, match="has no face masks"):
        pairs_of(people.faces.data, [0], [1])


# A judge that never saw a rendered face


def test_without_its_packages_the_real_judge_names_the_extra(monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not real_judge_is_installed()
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(ImportError, match=r"dlib is not installed; install the extra: pip install 'dlq\[faces\]'"):
        RealJudge()


@pytest.mark.skipif(not real_judge_is_installed(), reason="needs the extra: pip install 'dlq[faces]'")
def test_the_real_judge_tells_people_apart():
    faces = identity_faces(6, 3, 96, seed=9)
    judge, x = RealJudge(), faces.data.images[:].astype(np.float32) / 255
    vectors = judge.embed(x)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert judge.asked == 18
    assert judge.found > 12
    cosine, same = vectors @ vectors.T, faces.identities[:, None] == faces.identities
    assert cosine[same & ~np.eye(18, dtype=bool)].mean() > cosine[~same].mean() + 0.01
