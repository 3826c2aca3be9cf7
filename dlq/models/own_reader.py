"""Your own networks in the place of a face reader, for photographs: an identity encoder and, if you have one, a regressor.

dlq ships no network that was trained on photographs of people; which of them you may use, and for what, is between you and
whoever grants them (ArcFace weights and the Basel face model are usually for research only). An encoder in the style of
ArcFace takes aligned faces of 112 pixels in [-1, 1]; a regressor in the style of Deep3DFaceRecon gives 257 coefficients, of
which expression, angles and light belong to the target. Neither has been run here with its real weights.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dlq.models.face_reader import Reading
from dlq.models.presets import check_image_shape

FRONTAL = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0)  # yaw, pitch, roll, zoom, shifts
ELLIPSE = (0.34, 0.44)  # half-axes of the face in an aligned picture, shares of its sides


class OwnReader(nn.Module):
    """Reads faces with networks of yours, frozen, for ``dlq.wsc_swap(reader=...)``.

    identity        maps faces (B, 3, side, side) in [-1, 1] to embeddings (B, d)
    coefficients    maps x (B, C, H, W) in [0, 1] to attributes that a swap must keep, one a name of ``other_names``,
                    standardised by you; without it build the swap with preservation=False
    pose            maps those attributes to (B, 6): yaw, pitch, roll in degrees, zoom and shifts as in
                    dlq.datasets.faces; without it every face is taken to look straight ahead
    same_person     the mean cosine of two images of one person, at which the identity loss stops
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        identity: nn.Module,
        *,
        side: int = 112,
        coefficients: nn.Module | None = None,
        other_names: Sequence[str] = (),
        pose: Callable[[Tensor], Tensor] | None = None,
        same_person: float = 0.6,
    ):
        super().__init__()
        self.image_shape = check_image_shape(image_shape)
        self.identity, self.coefficients, self.side, self._pose = identity, coefficients, side, pose
        if (coefficients is None) != (not other_names):
            raise ValueError(
                "coefficients and other_names belong together: give a name for each coefficient, or neither"
            )
        self.other_names = tuple(other_names)
        self.register_buffer("same_person", torch.tensor(float(same_person)))
        self.eval()
        with torch.no_grad():
            size = self.embed(torch.zeros(1, *self.image_shape)).shape[1]
        self.identity_names = tuple(f"identity_{k}" for k in range(size))

    def forward(self, x: Tensor) -> Reading:
        """Identity of length sqrt(d), attributes, no landmarks, and an ellipse for the mask: give better masks yourself."""
        who = self.embed(x)
        others = x.new_zeros(len(x), 0) if self.coefficients is None else self.coefficients(x)
        return Reading(who * who.shape[1] ** 0.5, others, None, self._ellipse(x))

    def embed(self, x: Tensor) -> Tensor:
        """Unit vectors (B, d)."""
        side = (self.side, self.side)
        faces = F.interpolate(x, side, mode="bilinear", align_corners=False, antialias=x.shape[2] > self.side)
        return F.normalize(self.identity(2 * faces - 1).flatten(1), dim=1)

    def features(self, x: Tensor) -> list[Tensor]:
        """The image at three sizes, in place of activations."""
        return [F.avg_pool2d(x, 2**k) for k in range(1, 4)]

    def perceive(self, x: Tensor) -> tuple[Reading, list[Tensor]]:
        """The reading and the features."""
        return self(x), self.features(x)

    def pose(self, reading: Reading) -> Tensor:
        """Of a reading, (B, 6)."""
        if self._pose is not None:
            return self._pose(reading.others)
        return reading.identity.new_tensor(FRONTAL).expand(len(reading.identity), -1)

    def _ellipse(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        down, right = ((torch.arange(n, device=x.device) + 0.5) / n - 0.5 for n in (height, width))
        inside = (right / ELLIPSE[0]) ** 2 + (down[:, None] / ELLIPSE[1]) ** 2 < 1
        return inside.to(x.dtype).expand(len(x), 1, -1, -1)


def with_weights(network: nn.Module, path: str | Path) -> nn.Module:
    """The network with the weights of a safetensors file, frozen, in evaluation mode.

    Raises ValueError where the file is missing, of another kind, or belongs to another network; nothing is downloaded and
    nothing is unpickled.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(path).expanduser()
    if path.suffix.lower() != ".safetensors":
        raise ValueError(
            f"{path.name} is no safetensors file; other formats can run code when they are read: convert it where you trust "
            "it, with safetensors.torch.save_file(torch.load(path, weights_only=True), 'weights.safetensors')"
        )
    if not path.is_file():
        raise ValueError(
            f"there is no file {path}; networks that know real faces are not part of dlq and are never downloaded: ask "
            "those who trained one for its weights and terms, or use the shipped reader of rendered faces"
        )
    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} cannot be read ({error}); copy or convert it again") from None
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in weights.items()}
    if expected != found:
        name = sorted(set(expected.items()) ^ set(found.items()))[0][0]
        raise ValueError(
            f"{path.name} belongs to another network: {name} is {found.get(name, 'missing')} there and "
            f"{expected.get(name, 'missing')} here; build the network that it was saved from"
        )
    network.load_state_dict(weights)
    return network.requires_grad_(False).eval()
