"""Whole files or none: a failed or killed write leaves the old file, and no litter where the process lived on."""

import os
import pathlib
import stat

import pytest

from dlq.atomic import WriteError, write_atomic


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_writes_the_bytes_and_returns_the_path(tmp_path):
    path = write_atomic(str(tmp_path / "page.html"), b"\x00new\xff")
    assert path == tmp_path / "page.html"
    assert path.read_bytes() == b"\x00new\xff"
    assert names(tmp_path) == ["page.html"]


def test_replaces_an_old_file_whole(tmp_path):
    (tmp_path / "a").write_bytes(b"a much longer old file")
    write_atomic(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_the_new_file_is_as_readable_as_any_other(tmp_path):
    """Temporary files made for privacy would give mode 600, and a web server could not read the page."""
    (tmp_path / "plain").write_bytes(b"")
    write_atomic(tmp_path / "a", b"new")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_full_disk_keeps_the_old_file_and_says_how_much_was_needed(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match=r"cannot write .*a \(2\.0 MB\): No space left on device; choose a place"):
        write_atomic(tmp_path / "a", bytes(2_000_000))
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_an_interrupt_keeps_the_old_file_and_passes_through(tmp_path, monkeypatch, broken):
    (tmp_path / "a").write_bytes(b"old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, broken, interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_content_is_durable_before_the_rename(tmp_path, monkeypatch):
    """A rename that reaches the disk before the content leaves an empty file after a power cut."""
    calls, fsync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append("replace"), replace(a, b)))
    write_atomic(tmp_path / "a", b"new")
    assert calls[:2] == ["fsync", "replace"]


def test_a_file_system_that_cannot_sync_folders_is_no_error(tmp_path, monkeypatch):
    fsync = os.fsync

    def files_only(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(22, "Invalid argument")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", files_only)
    assert write_atomic(tmp_path / "a", b"new").read_bytes() == b"new"


def test_a_folder_in_the_way_is_named(tmp_path):
    with pytest.raises(WriteError, match="is a folder; give the name of a file in it"):
        write_atomic(tmp_path, b"new")


def test_a_missing_parent_is_named(tmp_path):
    with pytest.raises(WriteError, match=r"there is no folder .*missing; create it first"):
        write_atomic(tmp_path / "missing" / "a", b"new")


def test_a_read_only_file_system_gives_our_error(tmp_path, monkeypatch):
    """There, removing the part that was never made fails too."""

    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(pathlib.Path, "unlink", refuse)
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(WriteError, match="Read-only file system"):
        write_atomic(tmp_path / "a", b"new")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_gives_our_error(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(WriteError, match="Permission denied"):
            write_atomic(tmp_path / "a", b"new")
    finally:
        tmp_path.chmod(0o700)
