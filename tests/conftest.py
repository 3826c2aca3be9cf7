"""Shapes in signatures are checked while the tests run, and only then."""

import importlib.util

import pytest
import torch

if importlib.util.find_spec("beartype") is not None:
    from jaxtyping import install_import_hook

    install_import_hook("dlq", "beartype.beartype")

torch.set_num_threads(1)


def pytest_collection_modifyitems(items):
    """Tests of a CUDA device are skipped, with the reason, where there is none."""
    if not torch.cuda.is_available():
        for item in items:
            if "gpu" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="there is no CUDA device"))
