"""Runbooks: the commands in a document, and their run in a shell."""

from pathlib import Path

import pytest

from harness.docs import runbooks
from harness.errors import HarnessError
from harness.process import supervisor

DOCUMENT = """\
# Title

```sh
export WORD=first
echo "$WORD and \x1b[1mbold\x1b[0m"
```

```console
$ not for typing
```

```sh
echo "$WORD still" >&2
```
"""


@pytest.fixture(autouse=True)
def _records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "RUN", tmp_path / "run")


def document(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "book.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_blocks_are_the_sh_blocks_in_order_with_their_lines(tmp_path: Path) -> None:
    blocks = runbooks.blocks(document(tmp_path, DOCUMENT))

    assert [(block.line, block.commands.splitlines()[0]) for block in blocks] == [
        (4, "export WORD=first"),
        (13, 'echo "$WORD still" >&2'),
    ]


def test_a_document_without_commands_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"book\.md has no ```sh block"):
        runbooks.blocks(document(tmp_path, "# Nothing to do\n"))


def test_blocks_share_one_shell_and_each_has_its_own_output_without_colours(tmp_path: Path) -> None:
    first, second = runbooks.run(document(tmp_path, DOCUMENT), tmp_path, runbooks.fresh_environment(), deadline_s=30)

    assert first.output == "first and bold\n"
    assert second.output == "first still\n"


def test_the_first_command_that_fails_ends_the_run_and_is_named(tmp_path: Path) -> None:
    book = document(tmp_path, "```sh\ntrue\n```\n```sh\necho alas\nfalse\ntouch after\n```\n")

    with pytest.raises(HarnessError, match=r"(?s)book\.md:5 ended with 1:.*alas"):
        runbooks.run(book, tmp_path, runbooks.fresh_environment(), deadline_s=30)

    assert not (tmp_path / "after").exists()


def test_a_command_that_does_not_end_is_stopped_at_the_deadline(tmp_path: Path) -> None:
    book = document(tmp_path, "```sh\nsleep 60\n```\n")

    with pytest.raises(HarnessError, match=r"book\.md:2 did not end within 0\.5 s"):
        runbooks.run(book, tmp_path, runbooks.fresh_environment(), deadline_s=0.5)


def test_a_fresh_environment_has_nothing_of_aws_or_terraform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    monkeypatch.setenv("TF_VAR_account_id", "123456789012")

    assert set(runbooks.fresh_environment()) <= {"HOME", "LANG", "PATH"}
