"""Models, one file a family. A model has ``encode``, ``decode`` and ``loss``; presets build ready-made ones."""

from torch import nn

from dlq.models.ard_paper import ard_vae_celeba, ard_vae_cifar10, ard_vae_dsprites, ard_vae_mnist, ard_vae_shapes3d
from dlq.models.ard_vae import ARDVAE, ard_vae
from dlq.models.autoencoder import AutoEncoder, autoencoder, autoencoder_paper, qlae, qlae_paper, sharpened
from dlq.models.averaged_reader import AveragedReader
from dlq.models.baselines import bio_ae, bio_ae_paper, fsq_autoencoder, tripod, vq_vae, vq_vae_paper
from dlq.models.consistent import Consistent, consistency_only
from dlq.models.face_reader import FaceReader, face_reader
from dlq.models.info_wgan import InfoWGAN, info_wgan_gp, info_wgan_gp_paper, ql_info_wgan_gp, ql_info_wgan_gp_paper
from dlq.models.infogan import InfoGAN, infogan, infogan_paper
from dlq.models.judge import Judge, judge
from dlq.models.own_reader import OwnReader, with_weights
from dlq.models.pruned import pruned
from dlq.models.vae import VAE, beta_tcvae, beta_vae, dip_vae_i, dip_vae_ii, factor_vae, vae
from dlq.models.wsc_swap import WSCSwap, wsc_swap

__all__ = [
    "ARDVAE",
    "VAE",
    "AutoEncoder",
    "AveragedReader",
    "Consistent",
    "FaceReader",
    "InfoGAN",
    "InfoWGAN",
    "Judge",
    "OwnReader",
    "WSCSwap",
    "ard_vae",
    "ard_vae_celeba",
    "ard_vae_cifar10",
    "ard_vae_dsprites",
    "ard_vae_mnist",
    "ard_vae_shapes3d",
    "autoencoder",
    "autoencoder_paper",
    "beta_tcvae",
    "beta_vae",
    "bio_ae",
    "bio_ae_paper",
    "build",
    "consistency_only",
    "dip_vae_i",
    "dip_vae_ii",
    "face_reader",
    "factor_vae",
    "fsq_autoencoder",
    "info_wgan_gp",
    "info_wgan_gp_paper",
    "infogan",
    "infogan_paper",
    "judge",
    "pruned",
    "ql_info_wgan_gp",
    "ql_info_wgan_gp_paper",
    "qlae",
    "qlae_paper",
    "sharpened",
    "tripod",
    "vae",
    "vq_vae",
    "vq_vae_paper",
    "with_weights",
    "wsc_swap",
]


def build(name: str, arguments: dict) -> nn.Module:
    """Builds the model that a checkpoint records: the preset ``name`` called with ``arguments``.

    An argument that is itself such a record is built first. Raises ValueError for a name that is no preset.
    """
    function = globals().get(name)
    if not getattr(function, "is_preset", False):
        known = sorted(key for key, value in globals().items() if getattr(value, "is_preset", False))
        raise ValueError(f"{name!r} is no preset of this version of dlq; known are {', '.join(known)}")
    nested = {k: build(v["preset"], v["arguments"]) if isinstance(v, dict) else v for k, v in arguments.items()}
    return function(**nested)  # type: ignore[misc]
