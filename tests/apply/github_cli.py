"""The commands of GitHub's command line that the workflows use, on a file instead of GitHub.

It takes no other command and no other option, so that a misspelled one fails. https://cli.github.com/manual/
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

STATE = "github.json"
"""In the folder ``GITHUB_STATE_FOLDER``: issues, labels and comments."""


def parser() -> argparse.ArgumentParser:
    """The commands."""
    root = argparse.ArgumentParser(prog="gh", allow_abbrev=False)
    groups = root.add_subparsers(dest="group", required=True)
    issue = groups.add_parser("issue").add_subparsers(dest="command", required=True)
    listing = issue.add_parser("list")
    for option in ("label", "state", "search", "json", "jq"):
        listing.add_argument(f"--{option}", required=True)
    close = issue.add_parser("close")
    close.add_argument("number", type=int)
    close.add_argument("--comment", required=True)
    edit = issue.add_parser("edit")
    edit.add_argument("number", type=int)
    edit.add_argument("--body-file", required=True)
    create = issue.add_parser("create")
    for option in ("title", "label", "body-file"):
        create.add_argument(f"--{option}", required=True)
    label = groups.add_parser("label").add_subparsers(dest="command", required=True).add_parser("create")
    label.add_argument("name")
    label.add_argument("--description", required=True)
    label.add_argument("--force", action="store_true")
    comment = groups.add_parser("pr").add_subparsers(dest="command", required=True).add_parser("comment")
    comment.add_argument("number", type=int)
    comment.add_argument("--body-file", required=True)
    comment.add_argument("--edit-last", action="store_true")
    comment.add_argument("--create-if-none", action="store_true")
    return root


def main() -> None:
    """Carry out one command."""
    assert os.environ["GH_REPO"]
    assert os.environ["GH_TOKEN"]
    file = Path(os.environ["GITHUB_STATE_FOLDER"]) / STATE
    state: dict[str, Any] = (
        json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"issues": [], "labels": [], "comments": {}}
    )
    arguments = parser().parse_args()
    if arguments.group == "pr":
        comments = state["comments"].setdefault(str(arguments.number), [])
        if arguments.edit_last and comments:
            comments.pop()
        comments.append(Path(arguments.body_file).read_text(encoding="utf-8"))
    elif arguments.group == "label":
        state["labels"].append(arguments.name)
    else:
        _issue(arguments, state)
    file.write_text(json.dumps(state), encoding="utf-8")


def _issue(arguments: argparse.Namespace, state: dict[str, Any]) -> None:
    issues = state["issues"]
    if arguments.command == "list":
        assert (arguments.state, arguments.json, arguments.jq) == ("open", "number", ".[0].number // empty")
        title = arguments.search.removeprefix('in:title "').removesuffix('"')
        found = [
            each for each in issues if each["open"] and arguments.label in each["labels"] and title in each["title"]
        ]
        sys.stdout.write("".join(f"{each['number']}\n" for each in found[:1]))
    elif arguments.command == "create":
        assert arguments.label in state["labels"], f"could not add label: {arguments.label!r} not found"
        text = Path(arguments.body_file).read_text(encoding="utf-8")
        labels = [arguments.label]
        number = len(issues) + 1
        issues.append({"number": number, "open": True, "title": arguments.title, "labels": labels, "body": text})
    else:
        issue = next(each for each in issues if each["number"] == arguments.number)
        if arguments.command == "edit":
            issue["body"] = Path(arguments.body_file).read_text(encoding="utf-8")
        else:
            issue |= {"open": False, "comment": arguments.comment}


if __name__ == "__main__":
    main()
