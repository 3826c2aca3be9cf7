"""The plan of the house, read from the source: who may import whom, what must not be loaded, and how long things are."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import dlq

PACKAGE = Path(dlq.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
SOURCES = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))

FLOORS = {
    0: {"recipe", "history", "atomic", "fingerprint", "datasets", "metrics", "nn", "quantizers"},
    1: {"models"},
    2: {"training", "checkpoints", "evaluation", "axes"},
    3: {"plots", "swaps"},
    4: {"widgets", "export", "comparison", "diagnosis"},
    5: {"cli", "course", "__main__"},
}
FLOOR = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
# a widget writes itself to a page; a face swap loads its reader by name
ALLOWED = {("widgets", "export"), ("__main__", "cli"), ("models", "checkpoints")}

FORBIDDEN_NAMES = {"utils", "util", "common", "core", "registry", "config", "helpers", "misc"}
UNSAFE_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
GLOBAL_SEEDS = {"torch.manual_seed", "torch.seed", "np.random.seed", "numpy.random.seed", "random.seed"}


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def room(path: Path) -> str:
    """The file or folder directly under dlq that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Dotted names of all that a file imports, anywhere in it: ``from a import b`` counts as a.b."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}, line {node.lineno}: imports are absolute"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of a name or attribute; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def test_there_are_files_to_look_at():
    assert {"training", "models", "quantizers"} <= {room(path) for path in FILES}


@SOURCES
def test_a_file_imports_only_from_floors_below_its_own(path):
    here = room(path)
    if here == "__init__":
        assert not {name for name in imported(path) if name.startswith("dlq")}
        return
    assert here in FLOOR, f"{here} has no floor; put it into FLOORS and into the plan"
    for name in imported(path):
        first, _, rest = name.partition(".")
        if first != "dlq":
            continue
        there = rest.partition(".")[0]
        assert there in FLOOR, f"{name}: import the module that it lives in, by its own name"
        assert (
            there == here or FLOOR[there] < FLOOR[here] or (here, there) in ALLOWED
        ), f"{here} (floor {FLOOR[here]}) imports {there} (floor {FLOOR[there]})"  # fmt: skip


@SOURCES
def test_metrics_never_import_torch(path):
    if room(path) == "metrics":
        assert not {name for name in imported(path) if name.split(".")[0] == "torch"}


def loaded_by(*statements: str) -> set[str]:
    """Names of all top-level packages in a fresh Python after these statements."""
    code = "; ".join([*statements, "import sys", "print(*{name.split('.')[0] for name in sys.modules})"])
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_metrics_and_widgets_load_without_torch():
    loaded = loaded_by("import dlq, dlq.metrics, dlq.widgets", "dlq.metrics.infomec", "dlq.widgets.sliders", "dir(dlq)")
    assert {"dlq", "numpy"} <= loaded
    assert not loaded & {"torch", "plotly", "anywidget", "IPython"}


def test_training_on_a_cluster_node_loads_no_front_end():
    loaded = loaded_by("import dlq", "dlq.fit, dlq.save, dlq.evaluate, dlq.qlae, dlq.datasets.rooms")
    assert "torch" in loaded
    assert not loaded & {"plotly", "anywidget", "ipywidgets", "IPython", "tyro", "matplotlib", "h5py", "mlxtend"}


PUBLIC = [
    name.asname or name.name
    for node in ast.walk(ast.parse((PACKAGE / "__init__.pyi").read_text()))
    if isinstance(node, ast.ImportFrom)
    for name in node.names
]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_resolves(name):
    assert getattr(dlq, name) is not None
    assert name in dir(dlq)


def test_the_public_names_are_listed_once_and_are_the_whole_of_all():
    assert len(PUBLIC) == len(set(PUBLIC))
    assert set(dlq.__all__) == set(PUBLIC)


@SOURCES
def test_no_module_is_named_after_nothing(path):
    for part in path.relative_to(PACKAGE).with_suffix("").parts:
        assert part not in FORBIDDEN_NAMES
        assert not part.startswith("base_")


@SOURCES
def test_every_file_opens_with_what_it_is_for(path):
    text = ast.get_docstring(tree(path))
    assert text, "the file has no docstring"
    assert text.splitlines()[0].rstrip().endswith((".", ":", ";", ",")) or "\n" in text


@SOURCES
def test_files_and_functions_stay_short(path):
    assert len(path.read_text().splitlines()) <= 260
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            described = ast.get_docstring(node, clean=False)
            length = node.end_lineno - node.lineno + 1 - (len(described.splitlines()) if described else 0)
            assert length <= 45, f"{node.name} has {length} lines besides its docstring"


@SOURCES
def test_annotations_are_evaluated_so_that_shapes_can_be_checked(path):
    assert "__future__.annotations" not in imported(path)


@SOURCES
def test_nothing_is_unpickled_or_executed(path):
    assert not {name for name in imported(path) if name.split(".")[0] in UNSAFE_MODULES}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "weights_only"):
            safe = {"allow_pickle": False, "weights_only": True}[node.arg]
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is safe, f"line {node.lineno}"
        if isinstance(node, ast.Call):
            assert dotted(node.func) not in {"eval", "exec", "torch.load", "torch.save"}, f"line {node.lineno}"


@SOURCES
def test_nothing_seeds_globally_and_the_library_does_not_print(path):
    if FLOOR.get(room(path)) == 5:  # a lesson's setup and the command line may do both
        return
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            assert dotted(node.func) not in {*GLOBAL_SEEDS, "print"}, f"line {node.lineno}"
