"""WSC-swap: face swapping without skip connections.

X. Ren, X. Chen, P. Yao, H.-Y. Shum, B. Wang, "Reinforced Disentanglement for Face Swapping without Skip Connection", ICCV
2023, arXiv 2307.07928. Re-implemented from the published description; settings not given there are ours. From the paper:
no skip connection from the target to the result; two target encoders, one for pixels outside the face and one for
attributes within it; identity removed from the latter by an adversary, its other attributes kept by a 3-D face prior.
Ours: every layer and weight, the saturating identity loss, the texture on an average head, an adversary whose linear part is
solved for, the hole of the face filled from its rim, a painting laid over that through a soft mask of its own, masks made
wider at random (a tight mask tells the shape of the target's face), and a head painted at 64 pixels with finer stages for
larger pictures.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from dlq.datasets.faces import draw_sources
from dlq.models.wsc_swap import losses
from dlq.models.wsc_swap.losses import Weights
from dlq.models.wsc_swap.masks import check_mask, dilated
from dlq.models.wsc_swap.model import NUM_ATTRIBUTES, Design, Swapper
from dlq.models.wsc_swap.networks import CORE, Discriminator
from dlq.models.wsc_swap.removal import REMOVALS
from dlq.recipe import Group, Player, Recipe

BETAS, GAME_BETAS = (0.9, 0.99), (0.0, 0.99)  # of the swapper, whose losses are mostly no game, and of its opponents
WARM = 0.2  # share of a run over which identity removal gains its weight
LATE = (0.5, 0.6)  # of a run: the discriminator begins, the generator listens to it
CROWD = 32  # further images that the identity adversary learns from at each step


class Pairs(NamedTuple):
    """A batch: sources and targets (B, C, H, W), the targets' masks (B, 1, H, W) made wider, and what is known of them."""

    source: Tensor
    target: Tensor
    mask: Tensor
    is_same: Tensor  # (B,), 1.0 where source and target show one person, so that the target is the right answer
    others: Tensor | None  # (B, M), the targets' true attributes, where the design asks for them
    crowd: tuple[Tensor, Tensor] | None  # further images and masks, for the identity adversary


class WSCSwap(Swapper):
    """A ``Swapper`` in its game with an identity adversary and, late in a run, a discriminator, as far as there are any."""

    importance: Tensor
    warm: Tensor
    adversary: Any
    opponents = ("adversary", "discriminator")  # of no use once it is trained

    def __init__(
        self,
        image_shape: Sequence[int],
        reader: Any,
        design: Design,
        *,
        width: int,
        dilation: int,
        same_share: float,
        weights: Weights,
        learning_rate: float,
    ):
        super().__init__(image_shape, reader, design, width=width, dilation=dilation)
        self.same_share, self.weights, self.learning_rate = same_share, weights, learning_rate
        threads = 1 if self.image_shape[1] < CORE else None  # more than one wins nothing on small images
        self.recipe = Recipe(steps=2_400, batch_size=16, schedule=late_decay, threads=threads, ema=0.99)
        removal = REMOVALS[design.identity_removal] if design.identity_removal else None
        self.adversary = removal(NUM_ATTRIBUTES, len(reader.identity_names)) if removal else None
        self.discriminator = Discriminator(self.image_shape[0], width) if weights.adversarial else None
        self.register_buffer("importance", losses.importance(reader.other_names))
        self.register_buffer("warm", torch.tensor(WARM))
        self.train(self.training)

    def start_from(self, other: Swapper) -> list[str]:
        """As ``Swapper.start_from``; identity removal has its full weight from the first step."""
        anew = super().start_from(other)
        self.warm.zero_()
        return anew

    def only_finer(self) -> None:
        """Lets the finer stages learn, and the discriminator, and freezes all else: what a trained smaller swap knows of
        faces stays, and a step takes less time. ValueError where there are none."""
        if not self.generator.finer:
            raise ValueError(
                f"a swap of {self.image_shape[1]} pixels paints the head at that size, without finer stages; train it whole"
            )
        for name, part in self.named_children():
            part.requires_grad_(name == "discriminator")
        self.generator.finer.requires_grad_(True)

    def players(self) -> list[Player]:
        """The generator's side, the identity adversary and the discriminator, as far as there are any."""
        read = [p for part in (self.face.trunk, self.face.dense) for p in part.parameters()]
        parts = (self.face.head, self.outside, self.compressed, self.skips, self.generator, self.attribute_head)
        fresh = [p for part in parts if part is not None for p in part.parameters()]
        rate = self.learning_rate
        ours = [Group(fresh, rate, BETAS), Group(read, rate / 10 if self.face.is_warm else rate, BETAS)]
        found = [Player("swapper", ours, self.swapper_loss)]
        if self._clears():
            group = Group(list(self.adversary.parameters()), 1e-3, GAME_BETAS)
            found.append(Player("identity adversary", [group], self.adversary_loss))
        if self.discriminator is not None:
            group = Group(list(self.discriminator.parameters()), 5e-4, GAME_BETAS)
            found.append(Player("discriminator", [group], self.discriminator_loss))
        return found

    def make_batch(self, data: Any, rows: Tensor, generator: torch.Generator) -> Pairs:
        """Pairs with the targets of these rows: a share of same_share shows one person twice.

        data has ``batch``, ``identities`` and, better, ``mask_batch``, as dlq.datasets.swap_faces() has.
        """
        if not hasattr(data, "identities"):
            raise ValueError(
                "the data do not say who is shown, and a swap learns from pairs of one person and of two; "
                "give data with identities, such as dlq.datasets.swap_faces()"
            )
        targets, where = rows.numpy(), self.importance.device
        num_same = round(self.same_share * len(rows))
        sources = draw_sources(data.identities, targets, num_same, generator)
        grow = torch.randint(1, self.dilation + 1, (len(rows),), generator=generator) if self.dilation else 0
        x, mask = self._masked(data, targets, grow)
        others = None
        if self.design.oracle:
            known = self.reader.standardised(torch.from_numpy(data.parameters[targets]).to(where))
            others = known[:, -len(self.reader.other_names) :]
        crowd = None
        if self._clears():
            more = torch.randint(len(data), (CROWD,), generator=generator)
            grow = torch.randint(1, self.dilation + 1, (CROWD,), generator=generator) if self.dilation else 0
            crowd = self._masked(data, more.numpy(), grow)
        is_same = (torch.arange(len(rows), device=where) < num_same).float()
        return Pairs(data.batch(sources, where), x, mask, is_same, others, crowd)

    def loss(self, batch: Pairs) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of the generator's side."""
        return self.swapper_loss(batch)

    def swapper_loss(self, batch: Pairs, generator: Any = None) -> tuple[Tensor, dict[str, Tensor]]:
        """Reconstruction where the answer is known, identity, surroundings, attributes kept, identity removed."""
        who = self.reader(batch.source).identity
        read, features = self.reader.perceive(batch.target)
        attributes, maps = self._look(batch.target, batch.mask)
        result, shown = self._paint(torch.cat([who, attributes], 1), batch.target, batch.mask, read, maps)
        found, found_features = self.reader.perceive(result)
        w, emphasis = self.weights, losses.around_features(read.landmarks, batch.target)
        rebuilt = losses.reconstruction(result, batch.target, emphasis)
        terms = {
            "reconstruction": w.reconstruction * losses.over(rebuilt, batch.is_same),
            "perceptual": w.perceptual * losses.over(losses.perceptual(found_features, features), batch.is_same),
            "identity": w.identity * losses.same_person(found.identity, who, self.reader.same_person).mean(),
            "outside": w.outside * losses.outside(result, batch.target, batch.mask).mean(),
        }
        others = read.others if batch.others is None else batch.others
        if self.attribute_head is not None:
            coded = losses.kept(self.attribute_head(attributes), others, self.importance)
            terms["kept by encoder"] = w.kept_by_encoder * coded.mean()
            drawn = losses.kept(found.others, others, self.importance)
            terms["kept in result"] = w.kept_in_result * drawn.mean()
        if self._clears():
            share = torch.where(self.warm > 0, self._done() / self.warm, 1.0).clamp(max=1.0)
            terms["removal"] = w.removal * share * self.adversary.hide(attributes, read.identity)
        if self.design.composite == "soft":
            terms["mask"] = F.binary_cross_entropy_with_logits(shown, batch.mask)
        if self.discriminator is not None and self._done() >= LATE[1]:
            terms["adversarial"] = -w.adversarial * losses.over(*self._judged(result, batch.mask, generator))
        return torch.stack(list(terms.values())).sum(), terms

    def adversary_loss(self, batch: Pairs, generator: Any = None) -> tuple[Tensor, dict[str, Tensor]]:
        """How badly the adversary reads identity from attributes."""
        assert self.adversary is not None
        with torch.no_grad():
            x, mask = batch.target, batch.mask
            if batch.crowd is not None:
                x, mask = (torch.cat([a, b]) for a, b in zip((x, mask), batch.crowd, strict=True))
            attributes, identity = self.face(self._seen(x, mask))[0], self.reader(x).identity
        loss = self.adversary(attributes, identity)
        return loss, {"guess": loss}

    def discriminator_loss(self, batch: Pairs, generator: Any = None) -> tuple[Tensor, dict[str, Tensor]]:
        """The hinge loss of targets against results; it sleeps until the last part of a run."""
        assert self.discriminator is not None
        if self._done() < LATE[0]:
            asleep = torch.stack([p.sum() for p in self.discriminator.parameters()]).sum() * 0
            return asleep, {"real": asleep, "drawn": asleep}
        with torch.no_grad():
            result = self._swapped(batch.source, batch.target, batch.mask)
        (real, shown), (drawn, painted) = (self._judged(x, batch.mask, generator) for x in (batch.target, result))
        terms = {
            "real": losses.over(F.relu(1 - real), shown),
            "drawn": losses.over(F.relu(1 + drawn), painted),
        }
        return terms["real"] + terms["drawn"], terms

    def _masked(self, data: Any, rows: Any, grow: Any) -> tuple[Tensor, Tensor]:
        where = self.importance.device
        x = data.batch(rows, where)
        known = data.mask_batch(rows, where) if hasattr(data, "mask_batch") else self._guess(x)
        return x, dilated(check_mask(known, x), grow)

    def _judged(self, x: Tensor, mask: Tensor, generator: Any) -> tuple[Tensor, Tensor]:
        """The discriminator's scores of x, and how much of each patch is face: elsewhere there is little to tell apart."""
        assert self.discriminator is not None
        seen, where = patch(torch.cat([x, mask], 1), generator).split([x.shape[1], 1], 1)
        scores = self.discriminator(seen)
        return scores, F.adaptive_avg_pool2d(where, scores.shape[2:])

    def _clears(self) -> bool:
        """Whether identity is removed from attributes; a face encoder that is frozen keeps what it has."""
        return self.adversary is not None and any(p.requires_grad for p in self.face.parameters())

    def _done(self) -> float:
        """The share of the run that is over; outside ``fit``, all of it."""
        state = getattr(self, "training_state", None)
        return min(state.step / state.total, 1.0) if state is not None and state.total else 1.0


def patch(x: Tensor, generator: torch.Generator | None) -> Tensor:
    """The same square of CORE pixels of every image (B, C, H, W), at random but not in the corners; smaller images whole.
    A discriminator judges details, and needs less time for them so."""
    free = x.shape[2] - CORE
    if free <= 0:
        return x
    where = "cpu" if generator is None else generator.device
    top, left = (free // 4 + torch.randint(free // 2 + 1, (2,), generator=generator, device=where)).tolist()
    return x[:, :, top : top + CORE, left : left + CORE]


def late_decay(fraction: float) -> float:
    """Raises the learning rate over the first twentieth of a run and lowers it to nothing over the second half."""
    return min(1.0, 0.05 + fraction / 0.05, 2 * (1 - fraction))
