import base64
import io

import numpy as np
import pytest
from PIL import Image

from dlq.metrics import infomec, mig, nmi
from dlq.widgets import NmiHeatmap, drawing, rotation


def one_factor_each(n=400, noise=0.1):
    """Three factors of four values, each held by one of three latents; a fourth latent is noise."""
    rng = np.random.default_rng(0)
    factors = rng.integers(0, 4, (n, 3))
    held = factors - 1.5 + noise * rng.standard_normal(factors.shape)
    return factors, np.concatenate([held, rng.standard_normal((n, 1))], 1)


def largest(factors, latents):
    return float(latents[:, 0].max())


def test_a_rotation_by_hand():
    latents = np.array([[1.0, 5.0, 0.0], [0.0, 5.0, 2.0]])
    np.testing.assert_allclose(rotation.rotated(latents, (0, 2), 90), [[0, 5, -1], [2, 5, 0]], atol=1e-12)
    half = np.sqrt(0.5)
    np.testing.assert_allclose(rotation.rotated(latents, (0, 2), 45), [[half, 5, -half], [2 * half, 5, 2 * half]])
    assert latents.tolist() == [[1, 5, 0], [0, 5, 2]]


def test_at_zero_degrees_the_table_is_what_the_metrics_say():
    factors, latents = one_factor_each()
    table = rotation.rotation_table(factors, latents, discrete=False, rotate=(0, 1), num_angles=3)
    found = infomec(factors, latents, discrete=False)
    assert table.degrees.tolist() == [0, 45, 90]
    np.testing.assert_allclose(table.nmi[0], found.nmi)
    first = {label: values[0] for label, values in table.scores.items()}
    expected = {"InfoM": found.modularity, "InfoC": found.compactness, "InfoE": found.explicitness}
    assert first == pytest.approx({**expected, "MIG": mig(factors, latents).score})


def test_ninety_degrees_exchange_two_columns_and_keep_every_score():
    factors, latents = one_factor_each()
    table = rotation.rotation_table(factors, latents, discrete=False, rotate=(0, 1), num_angles=3)
    np.testing.assert_allclose(table.nmi[2][:, [1, 0, 2, 3]], table.nmi[0], atol=1e-6)
    for label, values in table.scores.items():
        assert values[2] == pytest.approx(values[0], abs=0.02), label


def test_halfway_the_two_latents_mix_and_scores_of_disentanglement_fall():
    factors, latents = one_factor_each()
    table = rotation.rotation_table(factors, latents, discrete=False, rotate=(0, 1), num_angles=3)
    assert table.nmi[1][0, 0] < 0.7 * table.nmi[0][0, 0]
    np.testing.assert_allclose(table.nmi[1][:, 2:], table.nmi[0][:, 2:])  # these stand still
    for label in ("InfoM", "InfoC", "MIG"):
        assert table.scores[label][1] < table.scores[label][0] - 0.1


def test_no_rotation_changes_what_a_linear_classifier_reads():
    factors, latents = one_factor_each(noise=0.5)  # noisy enough for the classifier to converge
    turned = rotation.rotated(latents, (0, 1), 45)
    before, after = (infomec(factors, z, discrete=False, max_iter=2000) for z in (latents, turned))
    assert before.converged
    assert after.converged
    assert after.explicitness == pytest.approx(before.explicitness, abs=1e-3)


def test_own_metrics_are_called_at_every_angle():
    factors, latents = one_factor_each()
    latents = latents * 0 + np.random.default_rng(1).permutation(400)[:, None] * [1.0, 0.0, 1.0, 1.0]
    latents[:, 1] = 0.5 * latents[:, 0]
    table = rotation.rotation_table(
        factors, latents, discrete=False, rotate=(0, 1), metrics={"largest": largest}, num_angles=3
    )
    half = np.sqrt(0.5)
    np.testing.assert_allclose(table.scores["largest"], [399, half * (399 + 199.5), 199.5])


def test_quantized_latents_have_one_angle():
    factors, _ = one_factor_each()
    view = NmiHeatmap(factors, factors[:, ::-1], discrete=True)
    assert (view.degrees, view.pair) == ([0.0], [])
    np.testing.assert_allclose(view.nmi, nmi(factors, factors[:, ::-1], discrete=True))
    assert view.nmi[0].argmax() == 2


def test_the_widget_holds_the_table_and_moves_through_it():
    factors, latents = one_factor_each()
    view = NmiHeatmap(factors, latents, discrete=False, rotate=(0, 1), num_angles=3, factor_names=["a", "b", "c"])
    view.angle = 1
    assert view.scores == {label: values[1] for label, values in view.table.scores.items()}
    np.testing.assert_allclose(view.cells[1], view.nmi, atol=1e-5)
    with pytest.raises(ValueError, match="angle is 3; give a number from 0 to 2"):
        view.angle = 3


def test_what_is_not_defined_is_none_for_the_browser():
    factors, latents = one_factor_each()
    factors[:, 1] = 2
    view = NmiHeatmap(factors, latents, discrete=False, metrics={"nothing": lambda f, z: np.nan})
    assert view.cells[0][1] == [None] * 4
    assert view.bars == {"nothing": [None]}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"discrete": True, "rotate": (0, 1)}, "rotate= mixes two latents, which then take many values"),
        ({"rotate": (0, 0)}, "give two different latents from 0 to 3"),
        ({"rotate": (0, 4)}, r"rotate is \(0, 4\); give two different latents from 0 to 3"),
        ({"rotate": (0, 1), "num_angles": 1}, "num_angles is 1; give at least 2"),
        ({"rotate": (0, 3)}, "latent 3 never changes"),
        ({"factor_names": ["a"]}, "found 1 names for 3 factors"),
    ],
)
def test_a_wrong_option_is_named_with_what_was_found(options, message):
    factors, latents = one_factor_each()
    latents[:, 3] = 1
    with pytest.raises(ValueError, match=message):
        NmiHeatmap(factors, latents, **{"discrete": False, "metrics": {"largest": largest}, **options})


def test_shades_run_from_dark_to_bright_and_ink_stands_out():
    assert drawing.shade(0) == (0x00, 0x22, 0x4E)
    assert drawing.shade(1.3) == (0xFE, 0xE8, 0x38)
    assert drawing.shade(1 / 18) == (9, 44, 95)  # halfway between the first two
    assert [drawing.ink_on(drawing.shade(v)) for v in (0, 0.4, 0.6, 1)] == ["#fff", "#fff", "#000", "#000"]


def test_the_still_picture_has_the_shades_of_the_map():
    factors, _ = one_factor_each()
    view = NmiHeatmap(factors, factors, discrete=True)
    corner = view.image()[:, drawing.ROW + 2, 112]
    assert tuple(corner) == drawing.shade(1)
    bundle, _ = view._repr_mimebundle_()
    assert Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).format == "PNG"
