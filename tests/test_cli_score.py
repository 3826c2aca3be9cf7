"""``dlq score``: files in, a table out, errors of one line, and no torch."""

import json
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from dlq.cli import main
from dlq.cli.score import read_array
from dlq.metrics import score

FACTORS = np.repeat(np.array(list(product(range(3), range(2)))), 10, axis=0)
LATENTS = FACTORS + 0.1 * np.random.default_rng(0).normal(size=FACTORS.shape)


WITHOUT_TORCH = """
import sys

class Missing:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Missing)
from dlq.cli import main
sys.exit(main(["score", "factors.npy", "latents.npy", "--json", "scores.json"]))
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder, the current one, with both arrays."""
    monkeypatch.chdir(tmp_path)
    np.save("factors.npy", FACTORS)
    np.save("latents.npy", LATENTS)
    return tmp_path


def test_works_where_torch_cannot_be_imported(files):
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], cwd=files, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    expected = score(FACTORS, LATENTS)
    assert done.stdout == f"{expected!r}\n"
    record = json.loads((files / "scores.json").read_text())
    assert record["scores"] == expected.to_dict()["scores"]
    assert (record["factors"], record["latents"]) == ("factors.npy", "latents.npy")


def told(capsys, *arguments):
    code = main(["score", *arguments, "--json", "scores.json"])
    return code, capsys.readouterr()


def test_the_kind_of_latents_can_be_told(files, capsys):
    np.save("latents.npy", np.round(LATENTS))
    for flag, kind in {"--continuous": "given as continuous", "--discrete": "given as discrete"}.items():
        assert told(capsys, "factors.npy", "latents.npy", flag)[0] == 0
        assert json.loads((files / "scores.json").read_text())["kind"] == kind


def test_csv_with_and_without_names_and_npz_are_read(files):
    np.savez("both.npz", factors=FACTORS, latents=LATENTS)
    np.savez("one.npz", LATENTS)
    np.savetxt("factors.csv", FACTORS, fmt="%d", delimiter=",", header="shape,color", comments="")
    np.savetxt("latents.csv", LATENTS, fmt="%.18g", delimiter=",")
    np.savetxt("column.csv", FACTORS[:, 0], fmt="%d", encoding="utf-8-sig")
    for name in ("factors.npy", "both.npz", "factors.csv"):
        np.testing.assert_array_equal(read_array(Path(name), "factors"), FACTORS)
    for name in ("latents.npy", "both.npz", "one.npz", "latents.csv"):
        np.testing.assert_array_equal(read_array(Path(name), "latents"), LATENTS)
    np.testing.assert_array_equal(read_array(Path("column.csv"), "factors"), FACTORS[:, :1])


BAD = {
    "no file": (["factors.npy", "other.npy"], "there is no file other.npy; give the latents as"),
    "kind of file": (["factors.npy", "readme.txt"], "readme.txt ends in .txt; save the latents as .npy, .npz or .csv"),
    "objects": (["objects.npy", "latents.npy"], "objects.npy cannot be read"),
    "rubbish": (["rubbish.npy", "latents.npy"], "rubbish.npy cannot be read"),
    "empty": (["empty.npy", "latents.npy"], "empty.npy cannot be read"),
    "cut": (["factors.npy", "cut.npy"], "cut.npy cannot be read"),
    "not a zip": (["rubbish.npz", "latents.npy"], "rubbish.npz cannot be read"),
    "which array": (["several.npz", "latents.npy"], "it holds a, b and no array named factors"),
    "words": (["words.csv", "latents.npy"], "words.csv cannot be read"),
    "bytes": (["bytes.csv", "latents.npy"], "bytes.csv cannot be read"),
    "swapped": (["latents.npy", "factors.npy"], "factors come first, latents second: are they swapped?"),
    "both flags": (["factors.npy", "latents.npy", "--discrete", "--continuous"], "give at most one of them"),
    "folder": (["factors.npy", "latents.npy", "--json", "none/s.json"], "there is no folder none"),
}


@pytest.mark.parametrize(("arguments", "message"), BAD.values(), ids=BAD)
def test_errors_are_one_line(files, capsys, arguments, message):
    np.save("objects.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    np.savez("several.npz", a=FACTORS, b=FACTORS)
    (files / "cut.npy").write_bytes((files / "latents.npy").read_bytes()[:-100])
    (files / "words.csv").write_text("shape,color\n1,red\n2,blue\n")
    for name in ("rubbish.npy", "rubbish.npz", "bytes.csv"):
        (files / name).write_bytes(bytes(range(128, 256)) * 3)
    for name in ("empty.npy", "readme.txt"):
        (files / name).write_bytes(b"")
    assert main(["score", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("dlq: ")
    assert message in error
