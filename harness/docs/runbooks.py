"""Runbooks: documents that show how to do something by hand, and a runner that proves that their commands work.

A runbook is Markdown. Its fenced ``sh`` blocks are commands, in order, for one shell in the checkout's root; blocks of
any other kind are for reading only. A test runs the commands exactly as written, so that none becomes outdated.
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
        commands: The commands, one on each line.
    """

    line: int
    commands: str


@dataclass(frozen=True)
class BlockRun:
    """One run of a block.

    Attributes:
        block: The block.
        output: The output of its commands, errors included.
    """

    block: CommandBlock
    output: str


def blocks(document: Path) -> list[CommandBlock]:
    """The commands of a runbook.

    Raises:
        HarnessError: It has none: a runbook without commands would prove nothing.
    """
    text = document.read_text(encoding="utf-8")
    command_blocks = [
        CommandBlock(text.count("\n", 0, fence.start("commands")) + 1, fence["commands"])
        for fence in _FENCE.finditer(text)
    ]
    if not command_blocks:
        raise HarnessError(f"{document.name} has no ```sh block.", remedy="Write its commands into fenced sh blocks.")
    return command_blocks


def run(document: Path, checkout: Path, environment: Mapping[str, str], *, deadline_s: float) -> list[BlockRun]:
    """Run a runbook's commands in one shell, which ends at the first command that fails.

    Args:
        document: The runbook.
        checkout: The shell's working folder: it holds ``live/`` and ``build/``.
        environment: The shell's environment before the first command.
        deadline_s: Seconds for all commands together.

    Raises:
        HarnessError: A command failed, or time ran out; the message has the block's line and its last output.
    """
    listed = blocks(document)
    marked = "\n".join(f"printf '%s' '{_MARK}'\n{block.commands}" for block in listed)
    script = f"exec 2>&1\nset -euo pipefail\n{marked}"
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
            failure = f"ended with {code}" if code else ""
        except subprocess.TimeoutExpired:
            failure = f"did not end within {deadline_s:g} s"
        finally:
            record.terminate()  # and the processes that the shell started
            shell.wait(_END_S)
    outputs = _COLOUR.sub("", log.read_text(encoding="utf-8", errors="replace")).split(_MARK)[1:]
    runs = [BlockRun(block, output) for block, output in zip(listed, outputs, strict=False)]
    if failure:
        last = runs[-1] if runs else BlockRun(listed[0], "")
        tail = "\n".join(last.output.strip().splitlines()[-25:])
        raise HarnessError(
            f"The commands at {document.name}:{last.block.line} {failure}:\n{last.block.commands}{tail}",
            remedy=f"Fix the document, or the code that it describes. The complete output is in {log}.",
        )
    return runs


def fresh_environment() -> dict[str, str]:
    """The environment of a terminal that was just opened: a PATH, a home, and nothing of AWS or Terraform."""
    return {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ} | {"LANG": "C.UTF-8"}
