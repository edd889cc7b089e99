"""What the scan looks at is everything that Terraform would take."""

from pathlib import Path

from harness.policy import plans, scanning


def test_a_live_folder_of_json_is_planned_and_refused(tmp_path: Path) -> None:
    for name in ("live/dev/main.tf", "live/staging/main.tf.json", "modules/table/main.tf.json"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("{}", encoding="utf-8")

    assert [one.name for one in plans.live_folders(tmp_path)] == ["dev", "staging"]
    found = scanning.json_sources(tmp_path)
    assert [(one.rule_id, one.address) for one in found] == [
        ("CKV_INV_003", "live/staging"),
        ("CKV_INV_003", "modules/table"),
    ]
    assert "live/staging/main.tf.json is Terraform as JSON" in found[0].message


def test_ours_is_not_written_as_json() -> None:
    assert scanning.json_sources() == []
