"""``dlq datasets``: what it says of what exists, what is there and what can be had. The network is never used."""

import hashlib

import pytest

from dlq.cli import main
from dlq.datasets.catalogue import ENTRIES
from dlq.datasets.published import Download


@pytest.fixture(autouse=True)
def own_places(tmp_path, monkeypatch):
    """Neither this machine's files nor its network."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DLQ_OFFLINE", "1")
    monkeypatch.delenv("DLQ_DATA", raising=False)


@pytest.fixture
def say(capsys):
    """Runs the command: (exit code, stdout, stderr)."""

    def run(*arguments):
        code = main(["datasets", *map(str, arguments)])
        return code, *capsys.readouterr()

    return run


def states(text):
    """{name: what the table says of it}, the columns cut where the heading starts them."""
    head, *lines = text.partition("\n\n")[0].splitlines()
    start, stop = 2 + max(map(len, ENTRIES)) + 2, head.index("images") - 4
    return {line[2 : start - 2].strip(): line[start:stop].strip() for line in lines}


def test_the_table_has_a_line_for_each_and_says_what_is_on_disk(say, tmp_path, monkeypatch):
    code, out, _ = say()
    assert code == 0
    found = states(out)
    assert [*found] == [*ENTRIES]
    assert (found["rooms"], found["shapes3d"], found["celeba"]) == ("built in", "fetch", "by hand")
    assert str(tmp_path / "cache" / "dlq" / "NAME") in out
    assert max(map(len, out.splitlines())) <= 120 + len(str(tmp_path))
    monkeypatch.setenv("DLQ_DATA", str(tmp_path / "mine"))
    (tmp_path / "mine" / "celeba" / "img_align_celeba").mkdir(parents=True)
    _, out, _ = say("list")
    assert states(out) == found | {"celeba": "on disk"}
    assert f"{tmp_path / 'mine' / 'NAME'}, then {tmp_path / 'cache' / 'dlq' / 'NAME'}" in out


@pytest.mark.parametrize("name", ENTRIES)
def test_show_says_all_that_is_known(name, say):
    code, out, _ = say("show", name)
    assert code == 0
    entry = ENTRIES[name]
    together = " ".join(out.split())
    for fact in (
        entry.summary,
        entry.licence,
        entry.factors,
        entry.address or "",
        *(d.checksum for d in entry.downloads),
    ):
        assert fact in together
    assert ("no file is needed" in together) == entry.built_in
    assert ("get it by hand" in together) == (not entry.built_in and not entry.fetchable)


def test_fetch_says_where_it_is_and_how_it_is_found(say, tmp_path, monkeypatch):
    pytest.importorskip("pooch")
    checksum = "sha256:" + hashlib.sha256(b"there").hexdigest()
    wanted = Download("a.bin", "https://example.org/a.bin", checksum)
    monkeypatch.setitem(ENTRIES, "dsprites", ENTRIES["dsprites"]._replace(downloads=(wanted,), files=("a.bin",)))
    code, out, error = say("fetch", "dsprites", "--to", tmp_path)
    assert (code, out) == (2, "")
    assert error.startswith("dlq: DLQ_OFFLINE forbids the network; get https://example.org/a.bin by hand")
    (tmp_path / "dsprites" / "a.bin").write_bytes(b"there")
    code, out, _ = say("fetch", "dsprites", "--to", tmp_path)
    assert code == 0
    assert out == (
        f"dsprites is in {tmp_path / 'dsprites'}; licence: Apache-2.0\ndlq finds it there with DLQ_DATA={tmp_path}\n"
    )
    monkeypatch.setenv("DLQ_DATA", str(tmp_path))
    assert say("fetch", "dsprites")[1] == f"dsprites is in {tmp_path / 'dsprites'}; licence: Apache-2.0\n"
    assert states(say()[1])["dsprites"] == "on disk"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fetch"], "fetch needs the name of a data set"),
        (["show"], "show needs the name of a data set"),
        (["list", "mnist"], "list takes no name; say: dlq datasets show mnist"),
        (["show", "mnist", "--to", "x"], "--to belongs to fetch"),
        (["show", "mnits"], "there is no dataset 'mnits'; there are rooms"),
        (["fetch", "ffhq"], "ffhq is not downloaded by dlq"),
        (["fetch", "sprites"], "sprites is not downloaded, it comes with dlq"),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_code_2(arguments, said, say):
    code, out, error = say(*arguments)
    assert (code, out) == (2, "")
    assert error.startswith(f"dlq: {said}")
    assert error.count("\n") == 1
