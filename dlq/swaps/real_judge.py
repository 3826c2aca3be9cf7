"""A judge that never saw a rendered face: dlib's detector and embedder, trained on photographs (extra ``faces``).

D. King, "Dlib-ml: A machine learning toolkit", JMLR 2009; the weights are those of the package face_recognition_models,
which states CC0 for them. The networks are judges only: nothing is trained through them, and no weights come with dlq.
"""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

SIDE = 256  # pixels that a face is enlarged to before it is looked for
REMEDY = "install the extra: pip install 'dlq[faces]'"


class RealJudge:
    """Says who is shown by the distance of dlib's 128 numbers; ``found`` counts the faces that its detector found.

    Where it finds none, the middle of the picture is taken for the face. Raises ImportError without the packages.
    """

    image_shape = None

    def __init__(self) -> None:
        dlib, models = _dlib(), _models()
        self._detector, self._dlib = dlib.get_frontal_face_detector(), dlib
        self._points = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
        self._embedder = dlib.face_recognition_model_v1(str(models / "dlib_face_recognition_resnet_model_v1.dat"))
        self.found, self.asked = 0, 0

    def embed(self, x: np.ndarray) -> np.ndarray:
        """x (n, 3, H, W) in [0, 1] to unit vectors (n, 128), about a tenth of a second each."""
        return np.stack([self._embed(image) for image in np.asarray(x)])

    def _embed(self, image: np.ndarray) -> np.ndarray:
        from PIL import Image

        pixels = np.rint(image.transpose(1, 2, 0) * 255).astype(np.uint8)
        large = np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        faces = self._detector(large, 0)
        self.found, self.asked = self.found + bool(faces), self.asked + 1
        middle = self._dlib.rectangle(SIDE // 6, SIDE // 5, SIDE - SIDE // 6, SIDE - SIDE // 10)
        place = max(faces, key=lambda box: box.area(), default=middle)
        vector = np.asarray(self._embedder.compute_face_descriptor(large, self._points(large, place)), np.float32)
        return vector / np.linalg.norm(vector)


def real_judge_is_installed() -> bool:
    """Whether both packages of the extra ``faces`` are there."""
    return all(importlib.util.find_spec(name) is not None for name in ("dlib", "face_recognition_models"))


def _dlib() -> Any:
    try:
        import dlib
    except ImportError:
        raise ImportError(f"dlib is not installed; {REMEDY}") from None
    return dlib


def _models() -> Path:
    """Where the weights lie; the package is not imported, since it needs a module that newer Pythons do not have."""
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"face_recognition_models is not installed; {REMEDY}")
    return Path(next(iter(spec.submodule_search_locations))) / "models"
