"""Runbooks: the documents that tell how to do something by hand, and the proof that what they say works.

A runbook is Markdown. Its fenced ``sh`` blocks are the commands, in order, for one shell in the checkout's root; blocks
of any other kind are for reading only. A test runs the commands exactly as they are typed, so that none can rot.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.process import supervisor

_FENCE = re.compile(r"^```sh\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "\x1e"
"""Printed before each block; 0x1e is ASCII's record separator, which no command here prints."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_END_S = 10.0


@dataclass(frozen=True)
class CommandBlock:
    """One fenced block of commands.

    Attributes:
        line: The line of its first command in the document.
        commands: What is typed, line by line.
    """

    line: int
    commands: str


@dataclass(frozen=True)
class Done:
    """What came of one block.

    Attributes:
        block: The block.
        output: Everything that its commands printed, errors too.
    """

    block: CommandBlock
    output: str


def blocks(document: Path) -> list[CommandBlock]:
    """The commands of a runbook.

    Raises:
        HarnessError: It has none: a runbook that nothing is run of proves nothing.
    """
    text = document.read_text(encoding="utf-8")
    found = [
        CommandBlock(text.count("\n", 0, fence.start("commands")) + 1, fence["commands"])
        for fence in _FENCE.finditer(text)
    ]
    if not found:
        raise HarnessError(f"{document.name} has no ```sh block.", remedy="Write its commands into fenced sh blocks.")
    return found


def run(document: Path, checkout: Path, environment: Mapping[str, str], *, deadline_s: float) -> list[Done]:
    """Type a runbook's commands into one shell, which ends at the first that fails.

    Args:
        document: The runbook.
        checkout: Where a reader stands: the folder that holds ``live/`` and ``build/``.
        environment: The reader's environment before the first command.
        deadline_s: Seconds for all of it.

    Raises:
        HarnessError: A command failed, or time ran out; the message carries the block's place and its last words.
    """
    typed = blocks(document)
    script = "exec 2>&1\nset -euo pipefail\n" + "\n".join(f"printf '%s' '{_MARK}'\n{block.commands}" for block in typed)
    log = checkout / f"{document.stem}.log"
    with log.open("wb") as output:
        shell, record = supervisor.spawn(
            [shutil.which("bash") or "/bin/bash", "-c", script],
            purpose=f"the commands of {document.name}",
            env=environment,
            cwd=checkout,
            stdout=output,
        )
        try:
            code = shell.wait(deadline_s)
            verdict = f"ended with {code}" if code else ""
        except subprocess.TimeoutExpired:
            verdict = f"did not end within {deadline_s:g} s"
        finally:
            supervisor.terminate(record)  # what the shell started, too
            shell.wait(_END_S)
    said = _COLOUR.sub("", log.read_text(encoding="utf-8", errors="replace")).split(_MARK)[1:]
    done = [Done(block, output) for block, output in zip(typed, said, strict=False)]
    if verdict:
        last = done[-1] if done else Done(typed[0], "")
        tail = "\n".join(last.output.strip().splitlines()[-25:])
        raise HarnessError(
            f"The commands at {document.name}:{last.block.line} {verdict}:\n{last.block.commands}{tail}",
            remedy=f"Fix the document or what it tells about; the whole output is in {log}.",
        )
    return done


def newcomer() -> dict[str, str]:
    """The environment of somebody who has just opened a terminal: a PATH, a home, and nothing of AWS or Terraform."""
    return {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ} | {"LANG": "C.UTF-8"}
