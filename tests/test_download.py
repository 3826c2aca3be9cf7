"""Downloads from a server on this machine that behaves and misbehaves; archives that mean well and ill."""

import contextlib
import hashlib
import http.server
import io
import multiprocessing
import os
import shutil
import sys
import tarfile
import threading
import zipfile

import pytest

from dlq.datasets import download
from dlq.datasets.archives import unpack
from dlq.datasets.catalogue import ENTRIES
from dlq.datasets.download import fetch
from dlq.datasets.errors import DataError, DownloadError, MissingFile, WrongFile
from dlq.datasets.places import cache_folder, find, on_disk, search_paths
from dlq.datasets.published import Download

pytest.importorskip("pooch")
CONTENT = bytes(range(256)) * 4000
SIZE = len(CONTENT)
CHECKSUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


class Host(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT under every name; some names are served badly."""

    def do_GET(self):
        name = self.path.strip("/")
        self.server.asked.append(name)
        body = self.server.files.get(name, CONTENT)
        if name == "missing":
            return self.send_error(404)
        if name == "page":
            body = b"<!DOCTYPE html><html>quota exceeded</html>"
        if name == "wrong":
            body = CONTENT[:-1] + b"!"
        self.send_response(200)
        if name != "unsized":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if name in ("cut", "unsized") else body)
        self.close_connection = True

    def log_message(self, *arguments):
        pass


@pytest.fixture
def host():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Host) as server:
        server.asked, server.files = [], {}
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """No test sees this machine's own files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("DLQ_DATA", "DLQ_OFFLINE", *(f"{kind}_proxy" for kind in ("http", "HTTP", "all", "ALL"))):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def serve(monkeypatch, host, served="data.bin", *, checksum=CHECKSUM, size=SIZE, unpack=(), port=None):
    """Makes ``dsprites`` a dataset of one file at the server on this machine."""
    address = f"http://127.0.0.1:{port or host.server_address[1]}/{served}"
    wanted = Download("data.bin", address, checksum, size, unpack)
    monkeypatch.setitem(ENTRIES, "dsprites", ENTRIES["dsprites"]._replace(downloads=(wanted,), files=("data.bin",)))


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock") if folder.exists() else []


# Downloading


def test_a_file_is_downloaded_once_and_found_from_then_on(host, monkeypatch, tmp_path):
    serve(monkeypatch, host)
    with pytest.raises(MissingFile, match="dlq datasets fetch dsprites"):
        find("dsprites")
    folder = fetch("dsprites", progress=False)
    assert folder == tmp_path / "cache" / "dlq" / "dsprites" == find("dsprites") == on_disk("dsprites")
    assert (folder / "data.bin").read_bytes() == CONTENT
    assert fetch("dsprites", progress=False) == folder
    assert host.asked == ["data.bin"]
    assert names(folder) == ["data.bin"]


def test_the_files_go_to_a_folder_of_the_datasets_name(host, monkeypatch, tmp_path):
    serve(monkeypatch, host)
    assert fetch("dsprites", tmp_path / "here", progress=False) == tmp_path / "here" / "dsprites"
    monkeypatch.setenv("DLQ_DATA", os.pathsep.join([str(tmp_path / "first"), str(tmp_path / "here")]))
    assert find("dsprites") == tmp_path / "here" / "dsprites"
    assert fetch("dsprites", progress=False) == tmp_path / "first" / "dsprites"
    assert find("dsprites") == tmp_path / "first" / "dsprites"


@pytest.mark.parametrize(
    ("served", "error", "said"),
    [
        ("cut", DownloadError, "could not be downloaded"),
        ("unsized", WrongFile, "does not have the published checksum"),
        ("missing", DownloadError, "the host says 404"),
        ("page", WrongFile, "answered with a web page instead of data.bin"),
        ("wrong", WrongFile, "does not have the published checksum"),
    ],
)
def test_what_does_not_arrive_whole_and_right_is_not_kept(served, error, said, host, monkeypatch, tmp_path):
    serve(monkeypatch, host, served)
    with pytest.raises(error, match=said) as caught:
        fetch("dsprites", tmp_path, progress=False)
    assert "\n" not in str(caught.value)
    assert names(tmp_path / "dsprites") == []
    serve(monkeypatch, host)
    fetch("dsprites", tmp_path, progress=False)
    assert names(tmp_path / "dsprites") == ["data.bin"]


def test_no_host_is_a_sentence(host, monkeypatch, tmp_path):
    with contextlib.closing(http.server.HTTPServer(("127.0.0.1", 0), Host).socket) as unused:
        port = unused.getsockname()[1]
    serve(monkeypatch, host, port=port)
    with pytest.raises(DownloadError, match=rf"127\.0\.0\.1:{port}/data\.bin could not be downloaded"):
        fetch("dsprites", tmp_path, progress=False)


@pytest.mark.parametrize("value", ["1", "yes"])
def test_offline_forbids_the_network_but_not_what_is_there(value, host, monkeypatch, tmp_path):
    serve(monkeypatch, host)
    monkeypatch.setenv("DLQ_OFFLINE", value)
    with pytest.raises(DownloadError, match="DLQ_OFFLINE forbids the network"):
        fetch("dsprites", tmp_path, progress=False)
    assert host.asked == []
    (tmp_path / "dsprites" / "data.bin").write_bytes(CONTENT)
    assert fetch("dsprites", tmp_path, progress=False) == tmp_path / "dsprites"
    monkeypatch.setenv("DLQ_OFFLINE", "0")
    (tmp_path / "dsprites" / "data.bin").unlink()
    fetch("dsprites", tmp_path, progress=False)
    assert host.asked == ["data.bin"]


def test_a_file_of_the_users_own_is_never_replaced(host, monkeypatch, tmp_path):
    serve(monkeypatch, host)
    (tmp_path / "dsprites").mkdir()
    (tmp_path / "dsprites" / "data.bin").write_bytes(b"mine")
    with pytest.raises(WrongFile, match=r"data\.bin is not the published data\.bin"):
        fetch("dsprites", tmp_path, progress=False)
    assert (tmp_path / "dsprites" / "data.bin").read_bytes() == b"mine"
    assert host.asked == []


def test_too_little_room_is_said_before_anything_is_asked_for(host, monkeypatch, tmp_path):
    serve(monkeypatch, host)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: usage._replace(free=len(CONTENT) - 1))
    with pytest.raises(DownloadError, match=r"data\.bin takes 1 MB, .* has 1 MB free"):
        fetch("dsprites", tmp_path, progress=False)
    assert host.asked == []


def test_a_disk_that_fills_up_meanwhile_is_a_sentence(host, monkeypatch, tmp_path):
    def full(handle):
        raise OSError(28, "No space left on device")

    serve(monkeypatch, host)
    monkeypatch.setattr(download.os, "fsync", full)
    with pytest.raises(DownloadError, match="No space left on device"):
        fetch("dsprites", tmp_path, progress=False)
    assert names(tmp_path / "dsprites") == []


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_two_processes_at_once_download_once(host, monkeypatch, tmp_path):
    serve(monkeypatch, host)
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=fetch, args=("dsprites", tmp_path), kwargs={"progress": False}) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert [each.exitcode for each in both] == [0, 0]
    assert host.asked == ["data.bin"]
    assert (tmp_path / "dsprites" / "data.bin").read_bytes() == CONTENT


def test_what_a_killed_download_left_is_removed(host, monkeypatch, tmp_path):
    serve(monkeypatch, host)
    left = tmp_path / "dsprites" / ".downloading"
    left.mkdir(parents=True)
    (left / "tmp123").write_bytes(b"half")
    fetch("dsprites", tmp_path, progress=False)
    assert names(tmp_path / "dsprites") == ["data.bin"]


def test_an_archive_is_unpacked_and_what_is_not_wanted_stays_in_it(host, monkeypatch, tmp_path):
    packed = tar_of({"data/cars/a.mat": b"A" * 900, "data/other/b": b"B"}).getvalue()
    host.files["data.bin"] = packed
    serve(monkeypatch, host, checksum=f"md5:{hashlib.md5(packed).hexdigest()}", size=None, unpack=("data/cars/",))
    folder = fetch("dsprites", tmp_path, progress=False)
    assert (folder / "data" / "cars" / "a.mat").read_bytes() == b"A" * 900
    assert names(folder / "data") == ["cars"]
    fetch("dsprites", tmp_path, progress=False)
    assert host.asked == ["data.bin"]


def test_pooch_is_named_where_it_is_missing(host, monkeypatch, tmp_path):
    serve(monkeypatch, host)
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=r'pip install "dlq\[data\]"'):
        fetch("dsprites", tmp_path, progress=False)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rooms", r"comes with dlq: dlq\.datasets\.rooms\(\)"),
        ("celeba", r"get it from https://drive\.google\.com/\S+ by hand .* licence: non-commercial research"),
        ("vggface2", "get it from its authors by hand"),
        ("dsprite", "there is no dataset 'dsprite'; there are rooms"),
    ],
)
def test_what_cannot_be_downloaded_says_what_to_do_instead(name, said, tmp_path):
    with pytest.raises(DataError, match=said):
        fetch(name, tmp_path)
    assert names(tmp_path) == []


# Places


def test_a_given_path_is_the_only_place(monkeypatch, tmp_path):
    monkeypatch.setenv("DLQ_DATA", str(tmp_path))
    assert search_paths("mnist", tmp_path / "x") == (tmp_path / "x",)
    assert search_paths("mnist") == (tmp_path / "mnist", cache_folder() / "mnist")
    with pytest.raises(MissingFile, match="no files of mnist"):
        find("mnist", tmp_path / "x")
    (tmp_path / "x").mkdir()
    assert find("mnist", tmp_path / "x") == tmp_path / "x"


def test_datasets_with_the_same_file_names_are_not_taken_for_one_another(monkeypatch, tmp_path):
    monkeypatch.setenv("DLQ_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "t10k-labels-idx1-ubyte").write_bytes(b"")
    assert on_disk("mnist") == tmp_path / "mnist"
    assert on_disk("fashion_mnist") is None


def test_every_download_has_a_checksum_and_an_address():
    for entry in ENTRIES.values():
        for each in entry.downloads:
            algorithm, _, digest = each.checksum.partition(":")
            assert len(bytes.fromhex(digest)) == hashlib.new(algorithm).digest_size
            assert each.address.startswith(("https://", "http://"))
            assert each.address.endswith("/" + each.name)


# Archives


def tar_of(files, **changes):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in changes.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content))
    return out


def zip_of(files, mode=None):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (mode or 0o100644) << 16
            archive.writestr(info, content)
    return out


@pytest.mark.parametrize("pack", [tar_of, zip_of])
def test_plain_archives_are_unpacked(pack, tmp_path):
    (tmp_path / "a").write_bytes(pack({"x/y.bin": CONTENT[:90_000], "x/z": b"", "w": b"w"}).getvalue())
    assert unpack(tmp_path / "a", tmp_path / "out") == [tmp_path / "out" / "w", tmp_path / "out" / "x"]
    assert (tmp_path / "out" / "x" / "y.bin").read_bytes() == CONTENT[:90_000]
    assert (tmp_path / "out" / "x" / "z").read_bytes() == b""
    with pytest.raises(WrongFile, match="w exists already"):
        unpack(tmp_path / "a", tmp_path / "out")


EVIL = {
    "absolute": (tar_of({"good": b"", "/tmp/evil": b"x"}), "outside the folder"),
    "up": (tar_of({"good": b"", "a/../../evil": b"x"}), "outside the folder"),
    "link": (tar_of({"evil": b""}, type=tarfile.SYMTYPE, linkname="/etc"), "a link, a device"),
    "hard link": (tar_of({"evil": b""}, type=tarfile.LNKTYPE, linkname="/etc/passwd"), "a link, a device"),
    "device": (tar_of({"evil": b""}, type=tarfile.CHRTYPE), "a link, a device"),
    "pipe": (tar_of({"evil": b""}, type=tarfile.FIFOTYPE), "a link, a device"),
    "zip absolute": (zip_of({"good": b"", "/tmp/evil": b"x"}), "outside the folder"),
    "zip up": (zip_of({"good": b"", "../evil": b"x"}), "outside the folder"),
    "zip drive": (zip_of({"C:/evil": b"x"}), "outside the folder"),
    "zip link": (zip_of({"evil": b"/etc"}, mode=0o120777), "a link, a device"),
    "bomb": (tar_of({"good": b"", "bomb": bytes(5_000_000)}), "unpacks to more than 1 MB"),
    "zip bomb": (zip_of({"good": b"", "bomb": bytes(5_000_000)}), "unpacks to more than 1 MB"),
    "cut": (io.BytesIO(tar_of({"a": os.urandom(5000)}).getvalue()[:-900]), "damaged or cut short"),
    "zip cut": (io.BytesIO(zip_of({"a": os.urandom(5000)}).getvalue()[:-30]), "damaged or cut short"),
    "neither": (io.BytesIO(b"<html>"), "damaged or cut short"),
    "empty": (io.BytesIO(b""), "damaged or cut short"),
    "nothing": (tar_of({}), "has nothing that begins with"),
}


@pytest.mark.parametrize("name", EVIL)
def test_evil_archives_leave_nothing_behind(name, tmp_path):
    content, said = EVIL[name]
    (tmp_path / "archive").write_bytes(content.getvalue())
    with pytest.raises(WrongFile, match=said):
        unpack(tmp_path / "archive", tmp_path / "in" / "out")
    assert names(tmp_path / "in" / "out") == []
    assert names(tmp_path / "in") == ["out"]
    assert names(tmp_path) == ["archive", "in"]


def test_a_zip_that_lies_about_its_sizes_is_refused(tmp_path):
    content = bytearray(zip_of({"a": os.urandom(2000)}).getvalue())
    where = content.rindex(b"PK\x01\x02") + 24  # of the declared size, in the list at the end
    content[where : where + 4] = (10).to_bytes(4, "little")
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(WrongFile, match="damaged or cut short"):
        unpack(tmp_path / "archive", tmp_path / "out")
    assert names(tmp_path / "out") == []


def test_a_name_that_occurs_twice_is_refused(tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for content in (b"one", b"two"):
            info = tarfile.TarInfo("same")
            info.size = 3
            archive.addfile(info, io.BytesIO(content))
    (tmp_path / "archive").write_bytes(out.getvalue())
    with pytest.raises(WrongFile, match="holds same twice"):
        unpack(tmp_path / "archive", tmp_path / "out")
