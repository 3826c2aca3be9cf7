"""Workers go when the process that asked for them goes, however it went."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import sys, time
from dlq.training.processes import side_by_side
import {module}
if __name__ == "__main__":
    side_by_side({module}.sleep, [sys.argv[1] + "/a", sys.argv[1] + "/b"])
"""
SLEEPER = """
import os, pathlib, time
def sleep(path):
    pathlib.Path(path).write_text(str(os.getpid()))
    time.sleep(300)
"""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes as Linux shows them")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(how, tmp_path):
    (tmp_path / "sleeper.py").write_text(SLEEPER)
    (tmp_path / "run.py").write_text(SCRIPT.format(module="sleeper"))
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "run.py", tmp_path],
        env=os.environ | {"PYTHONPATH": paths},
        stderr=subprocess.DEVNULL,
    )
    files = [tmp_path / "a", tmp_path / "b"]
    wait_for(lambda: all(path.exists() and path.read_text() for path in files))
    workers = [int(path.read_text()) for path in files]
    assert all(map(alive, workers))
    parent.send_signal(how)
    parent.wait(30)
    wait_for(lambda: not any(map(alive, workers)))
