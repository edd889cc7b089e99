"""Files are written completely or not at all, and keys cover their content."""

import stat
from pathlib import Path

import pytest

from harness.files import content_key, draft_of, open_private, write_whole


@pytest.mark.parametrize("content", ["Zażółć\n", b"\x00\xff"])
def test_a_file_is_written_into_a_new_folder(tmp_path: Path, content: str | bytes) -> None:
    file = tmp_path / "new" / "file"

    write_whole(file, content)

    assert file.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert [*file.parent.iterdir()] == [file]


def test_a_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")

    write_whole(file, "new", mode=0o600)

    assert file.read_text() == "new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_content_is_private_from_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = []
    write_bytes = Path.write_bytes

    def watched(path: Path, content: bytes) -> int:
        modes.append(stat.S_IMODE(path.stat().st_mode))
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", watched)

    write_whole(tmp_path / "secret", "1", mode=0o600)

    assert modes == [0o600]


def test_a_draft_that_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")

    def write_half() -> None:
        with draft_of(file) as draft:
            draft.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        write_half()

    assert file.read_text() == "old"
    assert [*tmp_path.iterdir()] == [file]


def test_a_draft_of_an_ended_process_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "file"
    with draft_of(file) as first:
        first.write_text("first")
    first.write_text("stale")
    first.chmod(0o444)

    write_whole(file, "second")

    assert file.read_text() == "second"
    assert not first.exists()


def test_a_key_is_the_same_for_a_copy_elsewhere(tmp_path: Path) -> None:
    for copy in ("a", "b"):
        write_whole(tmp_path / copy / "main.tf", "resource")

    keys = {content_key(["1.12", root / "main.tf"], root=root) for root in (tmp_path / "a", tmp_path / "b")}

    assert len(keys) == 1


def test_a_key_covers_texts_names_content_and_order(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write_whole(first, "content")
    write_whole(second, "content")
    lists: list[list[str | bytes | Path]] = [
        [],
        [""],
        ["ab"],
        ["a", "b"],
        ["b", "a"],
        ["content"],
        [first],
        [second],
        [first, second],
        [second, first],
    ]

    keys = {content_key(parts, root=tmp_path) for parts in lists}
    write_whole(first, "edited")
    keys.add(content_key([first], root=tmp_path))

    assert len(keys) == len(lists) + 1


def test_a_text_counts_like_its_bytes(tmp_path: Path) -> None:
    assert content_key(["a"], root=tmp_path) == content_key([b"a"], root=tmp_path)


def test_a_private_file_is_its_owners_from_the_first_moment(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret.log"

    with open_private(path) as file:
        mode = path.stat().st_mode & 0o777
        file.write(b"secret")

    assert (mode, path.read_bytes()) == (0o600, b"secret")


def test_a_private_file_takes_the_place_of_one_that_others_can_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.log"
    path.write_bytes(b"old and longer")
    path.chmod(0o644)

    with open_private(path) as file:
        file.write(b"new")

    assert (path.stat().st_mode & 0o777, path.read_bytes()) == (0o600, b"new")
