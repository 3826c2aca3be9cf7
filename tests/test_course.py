import numpy as np
import pytest
import torch

from dlq import course


def test_setup_seeds_all_three_sources_of_chance():
    course.setup(seed=3, scale="laptop")
    first = np.random.rand(), torch.rand(1).item()
    course.setup(seed=3, scale="laptop")
    assert first == (np.random.rand(), torch.rand(1).item())


def test_laptop_scale_runs_on_the_cpu():
    assert course.setup(scale="laptop").device == torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_the_papers_scale_needs_a_gpu():
    with pytest.raises(ValueError, match='set SCALE = "auto"'):
        course.setup(scale="gpu")


def test_an_unknown_scale_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"'tiny'; expected one of auto, laptop, gpu"):
        course.setup(scale="tiny")


def test_a_check_praises_hints_and_waits():
    def even(n):
        return n % 2 == 0

    assert course.check(4, even, hint="halves").passed
    assert repr(course.check(3, even, hint="halves")) == "✗ Not quite. Hint: halves"
    assert "Not answered yet" in course.check(..., even, hint="halves").message
    assert "could not read" in course.check("x", lambda given: given + 1, hint="halves").message


def test_a_hint_is_text_and_never_markup():
    assert "<b>" not in course.check(..., bool, hint="<b>bold</b>")._repr_html_()


def test_side_by_side_gives_what_one_after_the_other_gives():
    assert (
        course.side_by_side(abs, [-1, 2, -3], workers=2)
        == [1, 2, 3]
        == course.side_by_side(abs, [-1, 2, -3], workers=1)
    )


def test_what_another_process_sends_holds_no_open_file():
    assert not [z for z in course.side_by_side(torch.zeros, [2, 3], workers=2) if z.is_shared()]


def test_a_job_trains_on_the_data_it_names():
    model = course.train(course.Job("vae", {"width": 8}, seed=0, steps=2, data=course.teaching_sprites))
    assert model.image_shape == (1, 16, 16)
    given = course.train(course.Job("vae", {"width": 8}, seed=0, steps=2, data=course.teaching_sprites()))
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), given.parameters(), strict=True))


def test_a_job_trains_the_model_it_names():
    model = course.train(course.Job("qlae", {"num_latents": 4}, seed=2, steps=3))
    assert model.preset.arguments["num_latents"] == 4
    assert model.training_state.step == 3
    assert model.training_state.seed == 2


def test_the_teaching_rooms_vary_in_five_factors():
    data = course.teaching_rooms()
    assert (len(data), data.factor_sizes) == (2500, (5, 5, 5, 4, 1, 5))


def test_the_teaching_sprites_vary_in_three_factors():
    data = course.teaching_sprites()
    assert (len(data), data.factor_sizes) == (192, (1, 3, 1, 8, 8))
