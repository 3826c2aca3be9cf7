"""The preset of WSC-swap: the full model, with one argument for each part that an ablation takes away."""

from collections.abc import Sequence
from typing import Any

from dlq.models.averaged_reader import AveragedReader
from dlq.models.presets import check_image_shape, preset
from dlq.models.wsc_swap.game import WSCSwap
from dlq.models.wsc_swap.losses import Weights
from dlq.models.wsc_swap.model import Design
from dlq.models.wsc_swap.removal import REMOVALS

READERS = {32: "face-reader", 64: "face-reader-64"}  # that come with dlq, by the side of their images
PROTOCOL = ("perceive", "pose", "identity_names", "other_names", "same_person", "image_shape")


@preset
def wsc_swap(
    image_shape: Sequence[int] = (3, 32, 32),
    *,
    reader: Any = None,
    skip: bool = False,
    encoders: int = 2,
    identity_removal: str | None = "var",
    preservation: bool = True,
    composite: str | None = "surroundings",
    oracle: bool = False,
    width: int = 16,
    dilation: int | None = None,
    same_share: float = 0.5,
    weights: Sequence[float] = Weights(),
    learning_rate: float = 2e-3,
    seed: int = 0,
) -> WSCSwap:
    """Face swapping without skip connections; five calls make the ablation.

    reader            a FaceReader of these images, the name of a shipped one, or the folder of a saved one; it stays frozen.
                      None: the one that comes with dlq for 32 or 64 pixels; larger images are averaged down to 64 for it
    skip              feature maps of the face reach the generator: what the paper argues against
    encoders          2: one for the face, one for what is outside; 1: one for the whole target, compressed
    identity_removal  "var" or "pair", two adversaries (``removal``), or None
    preservation      whether attributes must keep expression, pose, gaze, light and skin
    composite         "surroundings": the painting is laid, through a soft mask of its own, over what surrounds the face, the
                      hole filled from its rim, where two encoders tell them apart; None: all is painted; "soft": it is laid
                      over the target itself, another path for the target's pixels
    oracle            attributes are kept as the renderer knows them, not as the reader reads them: an upper bound
    dilation          the most pixels by which masks are made wider (default 2 for 32 pixels, in proportion for others)
    same_share        the share of training pairs that show one person twice
    learning_rate     of the generator's side; less where all of it goes on from a trained one (``start_from``)
    """
    shape = check_image_shape(image_shape)
    reader, side = _reader(reader, shape), shape[1]
    dilation = max(1, side // 16) if dilation is None else dilation
    design = Design(skip, encoders, identity_removal, preservation, composite, oracle)
    if side != shape[2] or side < 16 or side & (side - 1):
        raise ValueError(f"images are {side} x {shape[2]}; this model needs squares with a side of 16, 32, 64, 128, …")
    if not 0 <= same_share <= 1:
        raise ValueError(f"same_share is {same_share}; give a share from 0 to 1")
    if dilation < 0:
        raise ValueError(f"dilation is {dilation}; give a number of pixels, 0 for masks as they are")
    if not learning_rate > 0:
        raise ValueError(f"learning_rate is {learning_rate}; give a number above 0, 0.002 is usual")
    _check(design, reader)
    return WSCSwap(
        shape,
        reader,
        design,
        width=width,
        dilation=dilation,
        same_share=same_share,
        weights=Weights(*weights),
        learning_rate=learning_rate,
    )


def _check(design: Design, reader: Any) -> None:
    """ValueError where the parts do not go together."""
    if design.encoders not in (1, 2):
        raise ValueError(f"encoders is {design.encoders}; give 2 (face and surroundings) or 1 (the whole target)")
    for name, known in (("identity_removal", REMOVALS), ("composite", ("surroundings", "soft"))):
        value = getattr(design, name)
        if value is not None and value not in known:
            raise ValueError(f"{name} is {value!r}; give {' or '.join(map(repr, known))} or None")
    if design.preservation and not len(reader.other_names):
        raise ValueError("this reader reads no attributes, so none can be kept; build the swap with preservation=False")


def _reader(reader: Any, shape: tuple[int, int, int]) -> Any:
    """The reader itself, loaded where it is named; ValueError where it does not suit."""
    is_ours = reader is None
    reader = _nearest(shape) if is_ours else reader
    if isinstance(reader, str):
        from dlq.checkpoints import load  # the one place where a model needs another one, by name

        reader = load(reader)
    if is_ours and tuple(reader.image_shape) != shape:
        reader = AveragedReader(reader, shape)
    missing = [name for name in PROTOCOL if not hasattr(reader, name)]
    if missing:
        raise ValueError(
            f"a {type(reader).__name__} cannot read faces here: it has no {missing[0]}; give dlq.models.face_reader(...), "
            "the name of a shipped reader, or wrap your own networks in dlq.models.OwnReader"
        )
    if tuple(reader.image_shape) != shape:
        raise ValueError(
            f"the reader was built for images of shape {tuple(reader.image_shape)}, this model for {shape}; train one of "
            f"this size: dlq.fit(dlq.models.face_reader({shape}), dlq.datasets.swap_faces(size={shape[1]})), or, for larger "
            f"images, let it see them averaged down: dlq.models.AveragedReader(reader, {shape})"
        )
    return reader


def _nearest(shape: tuple[int, int, int]) -> str:
    """The name of the largest reader that comes with dlq and divides the side; ValueError where none does."""
    sides = [side for side in READERS if shape[1] % side == 0]
    if not sides:
        raise ValueError(
            f"no face reader comes with dlq for images of {shape[1]} pixels, only for {' and '.join(map(str, READERS))} and "
            f"whole multiples; train one: dlq.fit(dlq.models.face_reader({shape}), dlq.datasets.swap_faces(size={shape[1]})"
            "), or wrap your own networks in dlq.models.OwnReader, and give it as reader="
        )
    return READERS[max(sides)]
