"""A real Chromium for the tests of this folder, and a Jupyter server for those that drive one."""

import contextlib
import functools
import http.client
import importlib.util
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest

from dlq.export import manifest, verify_export

ROOT = pathlib.Path(__file__).parents[2]
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
TOKEN = "dlqtest"


@pytest.fixture(scope="session")
def browser():
    """One Chromium for all tests; each test opens its own context. Skipped without one, unless it is required."""
    missing = None
    if importlib.util.find_spec("playwright") is None:
        missing = "playwright is not installed: pip install playwright"
    elif not os.path.exists(CHROMIUM):
        missing = f"there is no {CHROMIUM}: apt-get install chromium"
    if missing and os.environ.get("DLQ_REQUIRE_BROWSER") == "1":
        pytest.fail(f"DLQ_REQUIRE_BROWSER=1, but {missing}")
    if missing:
        pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def show(browser):
    """Opens an exported page from the disk with the network off; no request and no error may come of it."""
    contexts, faults = [], []

    def show(path, *, ready="canvas[data-code]", **options):
        context = browser.new_context(offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: faults.append(request.url) if request.url.startswith("http") else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("dialog", lambda dialog: faults.append(dialog.message))
        if manifest.read_file(path) is not None:  # every exported page of these tests
            verify_export(path)
        page.goto(path.as_uri())
        page.wait_for_selector(ready)
        return page

    yield show
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture(scope="session")
def servers(tmp_path_factory):
    """One JupyterLab and one Notebook for all tests, with no one's settings: servers("lab") gives (url, folder)."""
    with contextlib.ExitStack() as stack:
        start = functools.cache(
            lambda interface: stack.enter_context(_server(interface, tmp_path_factory.mktemp(interface)))
        )
        yield start


@pytest.fixture
def serve(servers):
    """The same for one test, whose kernels end with it."""
    with _ending_kernels(servers) as start:
        yield start


@pytest.fixture(scope="module")
def serve_all(servers):
    """The same for all tests of a file, whose kernels end with the last of them."""
    with _ending_kernels(servers) as start:
        yield start


@contextlib.contextmanager
def _ending_kernels(servers):
    used = set()

    def start(interface):
        used.add(interface)
        return servers(interface)

    yield start
    for interface in used:
        port = int(servers(interface)[0].rpartition(":")[2])
        for session in json.loads(_ask(port, "GET", "/api/sessions")):
            _ask(port, "DELETE", f"/api/sessions/{session['id']}")


def _ask(port, method, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={"Authorization": f"token {TOKEN}"})
    return connection.getresponse().read()


@contextlib.contextmanager
def _server(interface, folder):
    work = folder / "work"
    work.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    private = {
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "run",
        "IPYTHONDIR": folder / "ipython",
    }
    for path in private.values():
        path.mkdir()
    environment = {**os.environ, **{key: str(path) for key, path in private.items()}, "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "jupyter", interface, "--allow-root", "--no-browser", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"]
    command += [f"--ServerApp.root_dir={work}", "--LabApp.news_url=", "--expose-app-in-browser"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with open(folder / "server.log", "w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=work)
        try:
            _wait_until_up(port, server, folder / "server.log")
            yield f"http://127.0.0.1:{port}", work
        finally:
            server.terminate()  # it ends its kernels too
            server.wait(30)


def _wait_until_up(port, server, log, patience=90):
    end = time.monotonic() + patience
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", f"/api/status?token={TOKEN}")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.3)
    pytest.fail(f"the Jupyter server did not start:\n{log.read_text()[-2000:]}")
