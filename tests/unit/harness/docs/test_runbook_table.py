"""The table of the guide's commands is complete, and each row names a proof that exists."""

import re

import pytest

from harness.docs.runbooks import blocks
from harness.paths import ROOT

FOLDER = ROOT / "docs" / "runbooks"
CALLS = ROOT / "tests" / "apply" / "test_guide_calls.py"

GUIDE = (
    *("terraform init", "terraform get", "terraform validate"),
    *("terraform workspace list", "terraform workspace new", "terraform workspace select"),
    *("terraform plan -var-file", "terraform plan -out", "terraform show"),
    *("terraform apply", "terraform apply` of a saved plan", "terraform apply -auto-approve"),
    *("terraform state list", "terraform state show", "terraform state rm", "terraform import"),
    *("aws cloudwatch put-dashboard", "aws lambda update-function-configuration --tracing-config"),
    *(
        "aws secretsmanager create-secret",
        "aws secretsmanager rotate-secret",
        "git checkout HEAD~1` and `terraform apply",
    ),
    *("aws lambda update-function-code", "aws ce get-cost-and-usage", "aws s3api put-bucket-lifecycle-configuration"),
    *("aws dynamodb restore-table-to-point-in-time", "aws s3 sync` from the backup bucket"),
)
"""Every command of the guide, as the table writes it."""


def rows() -> list[tuple[str, str, str]]:
    text = (FOLDER / "README.md").read_text(encoding="utf-8").partition("## The guide's commands")[2]
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return [(guide.strip(), here.strip(), proof.strip()) for guide, here, proof in lines]


ROWS = rows()


def test_every_command_of_the_guide_has_a_row() -> None:
    assert [guide.strip("`") for guide, *_ in ROWS] == [*GUIDE]


@pytest.mark.parametrize(("guide", "here", "proof"), ROWS, ids=[guide for guide, *_ in ROWS])
def test_a_row_names_a_proof_that_exists(guide: str, here: str, proof: str) -> None:
    typed, called = re.findall(r"\]\((\w[\w-]*\.md)\)", proof), re.findall(r"called by `(\w+)`", proof)
    commands = re.findall(r"`((?:\./noxw|terraform) [^`]+)`", here)
    written = "\n".join(block.commands for page in typed for block in blocks(FOLDER / page))

    assert typed or called, guide
    assert not typed or any(command in written for command in commands), (guide, commands)
    assert all(f"def {name}(" in CALLS.read_text(encoding="utf-8") for name in called)


def test_every_page_is_listed() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8").partition("## The guide's commands")[0]
    pages = {path.name for path in FOLDER.glob("*.md")} - {"README.md"}

    assert {*re.findall(r"\]\((\w[\w-]*\.md)\)", text)} == pages
