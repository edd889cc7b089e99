"""The scan covers everything that Terraform would read."""

import json
from pathlib import Path

from harness.policy import plans, scanning


def test_a_live_folder_of_json_is_planned_and_a_violation(tmp_path: Path) -> None:
    for name in ("live/dev/main.tf", "live/staging/main.tf.json", "modules/table/main.tf.json"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("{}", encoding="utf-8")

    findings = scanning.json_sources(tmp_path)

    assert [folder.name for folder in plans.live_folders(tmp_path)] == ["dev", "staging"]
    assert [(finding.rule_id, finding.address) for finding in findings] == [
        ("CKV_INV_003", "live/staging"),
        ("CKV_INV_003", "modules/table"),
    ]
    assert "live/staging/main.tf.json is Terraform as JSON" in findings[0].message


def test_our_terraform_is_not_written_as_json() -> None:
    assert scanning.json_sources() == []


def test_paths_of_the_checkout_are_the_same_in_every_checkout() -> None:
    def plan(build: str, checkout: str) -> str:
        return json.dumps({"zip": f"{build}/artifacts/f.zip", "file": f"{checkout}/live/a.json", "arn": f"a:{build}/b"})

    here = scanning.portable(plan("/a", "/häus/x"), Path("/a"), Path("/häus/x"))

    assert json.loads(here) == {"zip": "build/artifacts/f.zip", "file": "live/a.json", "arn": "a:/a/b"}
