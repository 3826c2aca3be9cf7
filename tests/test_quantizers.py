"""Quantizers: which value is chosen, bit for bit, and who receives which gradient."""

import copy
import math

import pytest
import torch

from dlq.quantizers import FSQ, LatentQuantizer, Quantized, VectorQuantizer, straight_through


def quantizer(*rows, **options) -> LatentQuantizer:
    """A latent quantizer with these codebook rows, padded with 9."""
    made = LatentQuantizer(len(rows), [len(row) for row in rows], **options)
    longest = max(map(len, rows))
    with torch.no_grad():
        made.codebook.copy_(torch.tensor([[*row, *[9.0] * (longest - len(row))] for row in rows]))
    return made


# --- which value


def test_nearest_value_by_hand():
    out = quantizer([-0.5, 0.0, 0.5], [10.0, 20.0, 30.0])(torch.tensor([[-0.3, 14.0], [0.2, 16.0], [0.26, -99.0]]))
    assert isinstance(out, Quantized)
    assert out.indices.tolist() == [[0, 0], [1, 1], [2, 0]]
    assert out.z.tolist() == [[-0.5, 10.0], [0.0, 20.0], [0.5, 10.0]]
    assert out.indices.dtype == torch.int64


def test_a_tie_goes_to_the_lowest_index():
    assert quantizer([-0.5, 0.0, 0.5])(torch.tensor([[-0.25], [0.25]])).indices.tolist() == [[0], [1]]
    assert quantizer([0.5, -0.5])(torch.tensor([[0.0]])).z.item() == 0.5  # of the index, not of the value


def test_the_first_codebook_is_evenly_spaced_from_minus_to_plus_one_half():
    torch.testing.assert_close(LatentQuantizer(1, 5).values()[0], torch.tensor([-0.5, -0.25, 0.0, 0.25, 0.5]))
    torch.testing.assert_close(LatentQuantizer(1, 10).values()[0], torch.arange(10) / 9 - 0.5)


@pytest.mark.parametrize("std", [0.05, 0.3])
@pytest.mark.parametrize("make", [LatentQuantizer, FSQ])
def test_latents_are_bitwise_codebook_values(make, std):
    """Written the other way round, as soft + (hard - soft), ten values that have moved become up to twenty floats."""
    made, generator = make(3, 10), torch.Generator().manual_seed(0)
    if make is LatentQuantizer:
        with torch.no_grad():
            made.codebook.add_(0.05 * torch.randn(3, 10, generator=generator))
    soft = torch.randn(20_000, 3, generator=generator) * std
    out = made(soft)
    for column, indices, values in zip(out.z.T, out.indices.T, made.values(), strict=True):
        assert torch.equal(column.view(torch.int32), values[indices].view(torch.int32))
        assert len(column.unique()) <= 10
    if make is LatentQuantizer:
        naive = soft + (out.z - soft)
        assert len(naive[:, 1].unique()) > len(out.z[:, 1].unique()), "these draws do not show the rounding"


def test_a_list_of_sizes_never_chooses_padding():
    made = LatentQuantizer(3, [2, 4, 3])
    assert [len(values) for values in made.values()] == [2, 4, 3]
    with torch.no_grad():
        made.codebook[~made.allowed] = 0.0  # the padding lies where the latents are
    out = made(torch.full((5, 3), 1e-3))
    assert out.z[0].tolist() == [0.5, pytest.approx(1 / 6), 0.0]
    assert out.indices[0].tolist() == [1, 2, 1]
    out.losses["quantization"].backward()
    assert (made.codebook.grad[~made.allowed] == 0).all()
    with torch.no_grad():
        made.codebook[~made.allowed] = 1e6
    assert made(torch.full((1, 3), 1e6)).indices.tolist() == [[1, 3, 2]], "padding is chosen for latents far away"


def test_a_shared_codebook_is_one_row_for_all_latents():
    made = LatentQuantizer(4, 3, shared=True)
    assert made.codebook.shape == (1, 3)
    assert len(made.values()) == 4
    out = made(torch.tensor([[-1.0, 0.1, 1.0, 1.0]]))
    assert out.indices.tolist() == [[0, 1, 2, 2]]
    out.losses["quantization"].backward()
    # values 0 and 1 have one latent each, value 2 has two: 0.01 * 2 / 4 * sum of (value - latent)
    expected = torch.tensor([[0.005 * 0.5, 0.005 * -0.1, 0.005 * (-0.5 - 0.5)]])
    torch.testing.assert_close(made.codebook.grad, expected)


# --- gradients


def test_straight_through_has_the_value_of_one_and_the_gradient_of_the_other():
    hard = torch.tensor([0.1, -0.7], requires_grad=True)
    soft = torch.tensor([1e8, 1e-8], requires_grad=True)
    z = straight_through(hard, soft)
    assert torch.equal(z, hard)
    z.backward(torch.tensor([3.0, 5.0]))
    assert soft.grad.tolist() == [3.0, 5.0]
    assert hard.grad is None


def test_what_follows_reaches_the_encoder_and_never_the_codebook():
    made = LatentQuantizer(2, 3)
    soft = torch.tensor([[0.1, 0.4], [-0.3, 0.2]], requires_grad=True)
    weight = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    (made(soft).z * weight).sum().backward()
    assert torch.equal(soft.grad, weight)
    assert made.codebook.grad is None


def test_each_loss_reaches_one_side_only_by_closed_form():
    made = quantizer([-0.5, 0.5], [0.0, 1.0], quantization_weight=0.3, commitment_weight=0.7)
    soft = torch.tensor([[0.4, 0.2], [0.9, 0.4], [-0.1, 0.1]], requires_grad=True)
    losses = made(soft).losses
    hard = torch.tensor([[0.5, 0.0], [0.5, 0.0], [-0.5, 0.0]])
    mean_square = (hard - soft.detach()).square().mean()
    torch.testing.assert_close(losses["quantization"].detach(), 0.3 * mean_square)
    torch.testing.assert_close(losses["commitment"].detach(), 0.7 * mean_square)

    losses["commitment"].backward(retain_graph=True)
    torch.testing.assert_close(soft.grad, 0.7 * 2 * (soft.detach() - hard) / 6)  # 3 images x 2 latents
    assert made.codebook.grad is None

    soft.grad = None
    losses["quantization"].backward()
    assert soft.grad is None
    expected = torch.tensor(
        [[-0.5 + 0.1, (0.5 - 0.4) + (0.5 - 0.9)], [-0.2 - 0.4 - 0.1, 0.0]]
    )  # sums of value - latent
    torch.testing.assert_close(made.codebook.grad, 0.3 * 2 * expected / 6)


def test_a_value_that_no_latent_took_gets_exactly_no_gradient():
    made = quantizer([-0.5, 0.0, 0.5])
    made(torch.tensor([[0.4], [0.6], [-0.4]])).losses["quantization"].backward()
    assert made.codebook.grad[0, 1] == 0
    assert (made.codebook.grad[0, [0, 2]] != 0).all()


def test_the_default_weights_are_one_hundredth():
    losses = quantizer([0.0, 5.0])(torch.tensor([[1.0]])).losses
    assert losses["quantization"].item() == pytest.approx(0.01)
    assert losses["commitment"].item() == pytest.approx(0.01)


def test_frozen_values_stay_and_have_no_quantization_loss():
    made = LatentQuantizer(2, 3, learned=False)
    out = made(torch.full((4, 2), 0.3, requires_grad=True))
    assert list(out.losses) == ["commitment"]
    out.losses["commitment"].backward()
    assert made.codebook.grad is None
    assert not made.codebook.requires_grad


def test_values_are_the_codebook_of_now_without_its_gradient():
    made = LatentQuantizer(2, [2, 3])
    with torch.no_grad():
        made.codebook[0, 1] = 7.0
    assert [values.tolist() for values in made.values()] == [[-0.5, 7.0], [-0.5, 0.0, 0.5]]
    assert not any(values.requires_grad for values in made.values())


def test_a_codebook_is_saved_and_its_padding_is_not():
    assert list(LatentQuantizer(2, [2, 3]).state_dict()) == ["codebook"]
    assert list(FSQ(2, 3).state_dict()) == []


# --- FSQ


def test_fsq_grid_by_hand():
    odd, even = FSQ(2, [5, 4]).values()
    assert odd.tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]
    torch.testing.assert_close(even, torch.tensor([-1, -1 / 3, 1 / 3, 1]))


@pytest.mark.parametrize(("bounded", "levels", "index"), [(0.26, 5, 3), (0.24, 5, 2), (-0.99, 5, 0), (0.1, 4, 2)])
def test_fsq_indices_by_hand(bounded, levels, index):
    out = FSQ(1, levels)(torch.tensor([[math.atanh(bounded)]]))
    assert out.indices.item() == index
    assert out.z.item() == pytest.approx(2 * index / (levels - 1) - 1)


def test_fsq_stays_on_its_grid_however_far_the_latents_go():
    out = FSQ(1, 3)(torch.tensor([[-1e30], [1e30]]))
    assert out.z.flatten().tolist() == [-1.0, 1.0]
    assert out.indices.flatten().tolist() == [0, 2]


def test_fsq_has_the_gradient_of_the_bounded_latent_and_nothing_to_learn():
    soft = torch.tensor([[0.3, -1.2]], requires_grad=True)
    made = FSQ(2, 4)
    out = made(soft)
    out.z.sum().backward()
    torch.testing.assert_close(soft.grad, 1 - torch.tanh(soft.detach()) ** 2)
    assert out.losses == {}
    assert list(made.parameters()) == []


# --- vectors


def vectors(*rows, num_latents=1, **options) -> VectorQuantizer:
    """A vector quantizer with this codebook."""
    made = VectorQuantizer(num_latents, len(rows), dimension=len(rows[0]), **options)
    with torch.no_grad():
        made.codebook.copy_(torch.tensor(rows))
    return made


def test_the_nearest_vector_by_hand():
    out = vectors([0.0, 0.0], [3.0, 4.0], num_latents=2)(torch.tensor([[1.0, 1.0, 2.0, 3.0], [9.0, 9.0, -1.0, 0.0]]))
    assert out.indices.tolist() == [[0, 1], [1, 0]]
    assert out.z.tolist() == [[0.0, 0.0, 3.0, 4.0], [3.0, 4.0, 0.0, 0.0]]
    assert out.indices.dtype == torch.int64


def test_the_nearest_vector_is_that_of_all_distances():
    made, soft = VectorQuantizer(3, 20, dimension=4), torch.randn(50, 12, generator=torch.Generator().manual_seed(0))
    distances = torch.cdist(soft.reshape(150, 4), made.codebook.detach())
    assert torch.equal(made(soft).indices.flatten(), distances.argmin(1))


def test_vectors_are_bitwise_rows_of_the_codebook_and_can_be_looked_up():
    made, soft = VectorQuantizer(3, 20, dimension=4), torch.randn(500, 12, generator=torch.Generator().manual_seed(0))
    out = made(soft)
    assert torch.equal(out.z, made.codebook.detach()[out.indices].flatten(1))
    assert torch.equal(made.look_up(out.indices.float()), out.z)
    assert all(torch.isin(column, values).all() for column, values in zip(out.indices.T, made.values(), strict=True))
    assert torch.equal(made.look_up(torch.tensor([[-9.0, 99.0, 0.4]])), made.look_up(torch.tensor([[0.0, 19.0, 0.0]])))


def test_each_vector_loss_reaches_one_side_only_by_closed_form():
    made = vectors([0.0, 0.0], [2.0, 2.0], quantization_weight=0.3, commitment_weight=0.7)
    soft = torch.tensor([[0.5, -0.5], [1.5, 2.5], [0.2, 0.0]], requires_grad=True)
    losses = made(soft).losses
    hard = torch.tensor([[0.0, 0.0], [2.0, 2.0], [0.0, 0.0]])
    mean_square = (hard - soft.detach()).square().mean()
    torch.testing.assert_close(losses["quantization"].detach(), 0.3 * mean_square)
    torch.testing.assert_close(losses["commitment"].detach(), 0.7 * mean_square)
    losses["commitment"].backward()
    torch.testing.assert_close(soft.grad, 0.7 * 2 * (soft.detach() - hard) / 6)  # 3 images x 2 numbers
    assert made.codebook.grad is None
    soft.grad = None
    losses["quantization"].backward()
    assert soft.grad is None
    torch.testing.assert_close(made.codebook.grad, 0.3 * 2 * torch.tensor([[-0.7, 0.5], [0.5, -0.5]]) / 6)


def test_what_follows_a_vector_reaches_the_encoder_and_never_the_codebook():
    made, soft = VectorQuantizer(2, 3, dimension=2), torch.zeros(1, 4, requires_grad=True)
    (made(soft).z * torch.arange(4.0)).sum().backward()
    assert soft.grad.tolist() == [[0.0, 1.0, 2.0, 3.0]]
    assert made.codebook.grad is None


def test_the_published_vector_weights_and_start():
    made = VectorQuantizer(12)
    assert (made.quantization_weight, made.commitment_weight, made.width) == (1.0, 0.25, 768)
    assert made.codebook.shape == (512, 64)
    bound = math.sqrt(3 / 64)
    assert 0.99 * bound < made.codebook.abs().max() <= bound
    assert made.codebook.square().sum(1).mean().item() == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((2, [3, 3]), {}, r"num_values is \[3, 3\]; all latents share one codebook"),
        ((2, 1), {}, "num_values is 1 for some latent"),
        ((2, 3), {"dimension": 0}, "dimension is 0; a vector needs at least 1 number"),
    ],
)
def test_impossible_vectors_are_explained(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        VectorQuantizer(*arguments, **options)


def test_vectors_of_another_width_are_refused():
    made = VectorQuantizer(3, 4, dimension=2)
    with pytest.raises(ValueError, match=r"this quantizer expects \(batch, 6\)"):
        made(torch.zeros(5, 3))
    with pytest.raises(ValueError, match=r"this quantizer expects \(batch, 3\)"):
        made.look_up(torch.zeros(5, 6))


# --- sizes and errors


def test_a_million_million_codes_cost_twelve_rows():
    made = LatentQuantizer(12, 10)
    assert made.codebook.numel() == 120
    assert math.prod(made.sizes) == 10**12
    assert sum(values.numel() for values in FSQ(12, 10).values()) == 120


@pytest.mark.parametrize("make", [LatentQuantizer, FSQ])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2, 1), "num_values is 1 for some latent; a latent needs at least 2 values"),
        ((2, [3, 0]), "num_values is 0 for some latent"),
        ((3, [3, 3]), "num_values lists 2 sizes for 3 latents; give one size a latent, or one number"),
        ((0, 3), "num_latents is 0; it must be at least 1"),
    ],
)
def test_impossible_sizes_are_explained(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(*arguments)


def test_a_shared_codebook_of_several_sizes_is_refused():
    with pytest.raises(ValueError, match=r"a shared codebook has one size, num_values lists \[2, 3\]"):
        LatentQuantizer(2, [3, 2], shared=True)


@pytest.mark.parametrize("make", [LatentQuantizer, FSQ])
@pytest.mark.parametrize("shape", [(5, 4), (3,), (2, 3, 1)])
def test_latents_of_another_width_are_refused(make, shape):
    with pytest.raises(ValueError, match=r"this quantizer expects \(batch, 3\)"):
        make(3, 4)(torch.zeros(shape))


def test_a_copy_is_independent():
    made = LatentQuantizer(1, 2)
    other = copy.deepcopy(made)
    with torch.no_grad():
        other.codebook.fill_(3.0)
    assert made.values()[0].tolist() == [-0.5, 0.5]
