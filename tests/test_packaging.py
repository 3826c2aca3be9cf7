"""The files around the package: Binder, the Makefile, the README."""

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def names(requirements) -> set[str]:
    return {re.split(r"[<>=!\[ ]", line)[0].lower() for line in requirements if line and not line.startswith("-")}


def test_binder_installs_every_dependency_and_the_package_last():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    binder = (ROOT / "binder" / "requirements.txt").read_text().splitlines()
    assert names(project["dependencies"]) <= names(binder)
    assert any(line.startswith("torch==") and line.endswith("+cpu") for line in binder)
    assert not any(line.startswith(("-e", ".")) for line in binder)  # would install torch again at each commit
    assert "pip install --no-deps --no-cache-dir -e ." in (ROOT / "binder" / "postBuild").read_text()


def test_binder_scripts_run_and_start_hands_over():
    for name in ("postBuild", "start"):
        path = ROOT / "binder" / name
        assert path.read_text().startswith("#!")
        assert path.stat().st_mode & 0o111
        subprocess.run(["bash", "-n", path], check=True)
    assert (ROOT / "binder" / "start").read_text().rstrip().endswith('exec "$@"')


def test_torch_is_pinned_for_the_makefile_only():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "torch>=2.10" in project["dependencies"]
    assert "torch==" in (ROOT / "constraints.txt").read_text()
    assert "torchvision" not in (ROOT / "pyproject.toml").read_text()


def test_every_local_link_of_the_readme_leads_somewhere():
    text = (ROOT / "README.md").read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_make_help_lists_the_commands():
    out = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"make {name}" in out for name in ("lab", "test", "quick", "bench", "outputs"))
