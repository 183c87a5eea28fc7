"""The jail: three folders, plain files, nothing outside, and no file that looks finished and is not."""

import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from connectors import jail
from connectors.folders import Folders
from connectors.jail import Jail, Limits, Place, Refused


@pytest.fixture
def cell(tmp_path: Path) -> Jail:
    folders = Folders(tmp_path / "1" / "2")
    folders.make()
    return Jail(folders, Limits(max_bytes=1_000, max_files=3, max_file_bytes=600))


IN = Place("in", "a.csv")


def put(cell: Jail, name: str, data: bytes = b"x") -> None:
    with cell.open_write(Place("in", name)) as upload:
        upload.write(data)


@pytest.mark.parametrize(
    ("path", "leads"),
    [
        ("", "/"), ("/", "/"), (".", "/"), ("//in//", "/in"), ("in/a.csv", "/in/a.csv"),
        ("/in/../../../in/a.csv", "/in/a.csv"),
        ("../../etc", None), ("/etc/passwd", None), ("in/sub/a.csv", None), ("in/a\nb", None), ("in/a\x00b", None),
        ("in/a\x1bb", None), ("in/a\\b", None), ("in/" + "ä" * 101, None), ("in/" + "a" * 200, "/in/" + "a" * 200),
        ("taken", None), ("in/\udcff", None), ("in/a\u2028b", None),
    ],
)  # fmt: skip
def test_paths_lead_into_the_jail_or_nowhere(cell: Jail, path: str, leads: str | None) -> None:
    if leads is None:
        with pytest.raises(Refused):
            cell.place(path)
    else:
        assert cell.place(path).text == leads


def test_an_upload_leaves_a_mark_until_it_is_complete(cell: Jail) -> None:
    upload = cell.open_write(IN)
    mark = cell.folders.mark(upload.key[1])
    assert mark.exists(), "before the first byte"
    upload.write(b"abc")
    upload.close(complete=True)
    assert not mark.exists()
    upload = cell.open_write(IN, truncate=False)
    assert mark.exists()
    upload.write(b"def", 3)
    upload.close(complete=False)
    assert mark.exists()
    assert (cell.folders.incoming / "a.csv").read_bytes() == b"abcdef"
    upload.close(complete=True)
    assert mark.exists(), "the first end counts"


def test_the_announced_size_counts(cell: Jail) -> None:
    upload = cell.open_write(IN)
    upload.announced = 5
    upload.write(b"abc")
    upload.close(complete=True)
    assert cell.folders.mark(upload.key[1]).exists()
    upload = cell.open_write(IN, truncate=False)
    upload.announced = 5
    upload.write(b"de", 3)
    upload.close(complete=True)
    assert not cell.folders.mark(upload.key[1]).exists()


def test_an_upload_that_is_opened_again_breaks_off_the_first(cell: Jail) -> None:
    first = cell.open_write(IN)
    first.write(b"first")
    second = cell.open_write(IN)
    with pytest.raises(Refused, match="opened again"):
        first.write(b"more")
    first.close(complete=True)
    second.write(b"2nd")
    assert cell.folders.mark(second.key[1]).exists()
    second.close(complete=True)
    assert not cell.folders.mark(second.key[1]).exists()
    assert (cell.folders.incoming / "a.csv").read_bytes() == b"2nd"


def test_what_the_pickup_holds_cannot_be_touched(cell: Jail) -> None:
    put(cell, "a.csv", b"abc")
    held = os.open(cell.folders.incoming / "a.csv", os.O_RDONLY)
    try:
        assert jail.lock(held)
        acts: list[Callable[[Place], object]] = [
            cell.open_write,
            cell.remove,
            partial(cell.rename, new=Place("in", "b.csv"), replace=True),
        ]
        for act in acts:
            with pytest.raises(Refused) as refused:
                act(IN)
            assert refused.value.errno == errno.EBUSY
    finally:
        os.close(held)
    assert (cell.folders.incoming / "a.csv").read_bytes() == b"abc"


def test_an_open_upload_is_neither_removed_nor_replaced(cell: Jail) -> None:
    put(cell, "b.csv")
    with cell.open_write(IN) as upload:
        upload.write(b"abc")
        with pytest.raises(Refused, match="is being uploaded"):
            cell.remove(IN)
        with pytest.raises(Refused, match="is being uploaded"):
            cell.rename(Place("in", "b.csv"), IN, replace=True)


def test_renames_replace_only_when_asked(cell: Jail) -> None:
    put(cell, "a.csv", b"a")
    put(cell, "b.csv", b"b")
    with pytest.raises(Refused) as refused:
        cell.rename(IN, Place("in", "b.csv"), replace=False)
    assert refused.value.errno == errno.EEXIST
    cell.rename(IN, Place("in", "b.csv"), replace=True)
    assert cell.names(Place("in")) == ["b.csv"]
    assert (cell.folders.incoming / "b.csv").read_bytes() == b"a"
    with pytest.raises(FileNotFoundError):
        cell.rename(IN, Place("in", "c.csv"), replace=True)


def test_a_mark_goes_with_its_file(cell: Jail) -> None:
    cell.open_write(IN).close(complete=False)
    put(cell, "b.csv", b"b")
    cell.rename(Place("in", "b.csv"), IN, replace=True)
    assert list(cell.folders.unfinished.iterdir()) == []
    cell.open_write(IN).close(complete=False)
    cell.remove(IN)
    assert list(cell.folders.unfinished.iterdir()) == []


def test_links_are_not_followed(cell: Jail, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (cell.folders.incoming / "link").symlink_to(tmp_path / "secret")
    os.link(tmp_path / "secret", cell.folders.incoming / "hard")
    for name in ("link", "hard"):
        with pytest.raises(OSError, match=r"plain file|symbolic links"):
            cell.open_read(Place("in", name))
        with pytest.raises(OSError, match=r"plain file|symbolic links"):
            cell.open_write(Place("in", name))
    assert (tmp_path / "secret").read_text() == "secret"


@pytest.mark.parametrize("folder", ["done", "failed", ""])
def test_only_the_incoming_folder_takes_files(cell: Jail, folder: str) -> None:
    with pytest.raises(Refused):
        cell.open_write(Place(folder, "a.csv") if folder else Place())
    put(cell, "a.csv")
    if folder:
        with pytest.raises(Refused):
            cell.rename(IN, Place(folder, "a.csv"), replace=True)


def test_quotas_of_bytes_and_files(cell: Jail) -> None:
    with cell.open_write(IN) as upload, pytest.raises(Refused) as refused:
        upload.write(b"x" * 601)
    assert refused.value.errno == errno.EDQUOT
    put(cell, "a.csv", b"x" * 600)
    with cell.open_write(Place("in", "b.csv")) as upload:
        with pytest.raises(Refused, match="400 bytes"):
            upload.write(b"x" * 401)
        with pytest.raises(Refused, match="400 bytes"):
            upload.truncate(401)
        upload.write(b"x" * 400)
    with pytest.raises(Refused, match="1,000 bytes are waiting"):
        cell.open_write(Place("in", "c.csv"))
    put(cell, "a.csv", b"")
    put(cell, "c.csv")
    with pytest.raises(Refused, match="3 files are waiting"):
        cell.open_write(Place("in", "d.csv"))


def test_files_are_for_us_alone(cell: Jail) -> None:
    put(cell, "a.csv")
    assert oct((cell.folders.incoming / "a.csv").stat().st_mode & 0o777) == "0o600"
    assert {oct(path.stat().st_mode & 0o777) for path in cell.folders.root.rglob("*") if path.is_dir()} == {"0o700"}


def test_listing_a_file_says_that_it_is_one(cell: Jail) -> None:
    put(cell, "a.csv")
    assert cell.names(Place()) == ["in", "done", "failed"]
    with pytest.raises(Refused) as refused:
        cell.names(IN)
    assert refused.value.errno == errno.ENOTDIR
