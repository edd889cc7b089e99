"""The settings for VS Code name modules, files and sessions that exist."""

import importlib.util
import json
import re
from typing import Any

import pytest

from harness.paths import ROOT

FOLDER = ROOT / ".vscode"
SESSIONS = re.findall(r"^def (\w+)\(session", (ROOT / "noxfile.py").read_text(encoding="utf-8"), re.MULTILINE)


def settings(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["settings.json", "launch.json", "tasks.json", "extensions.json"])
def test_each_file_is_json_that_every_tool_reads(name: str) -> None:
    assert isinstance(settings(name), dict)


def test_what_is_debugged_exists() -> None:
    configurations = settings("launch.json")["configurations"]

    modules = [configuration["module"] for configuration in configurations]
    files = [each for row in configurations for each in row.get("args", ()) if str(each).startswith("tests/")]

    assert all(importlib.util.find_spec(module) for module in modules)
    assert files
    assert all((ROOT / file).exists() for file in files)


def test_the_tests_and_folders_of_the_settings_exist() -> None:
    body = settings("settings.json")

    paths = [*body["python.analysis.extraPaths"], body["python.testing.pytestArgs"][0]]

    assert all((ROOT / path).is_dir() for path in paths)


def test_tasks_run_sessions_of_the_menu() -> None:
    commands = [task["command"] for task in settings("tasks.json")["tasks"]]

    sessions = {command.split()[2] for command in commands}

    assert all(command.startswith("./noxw -s ") for command in commands)
    assert sessions <= set(SESSIONS)
