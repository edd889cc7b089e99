"""--update-plans writes planned values, and leaves a person's decisions alone."""

from pathlib import Path

from harness.plan_tests import rewrite
from harness.plan_tests.compare import PlannedCase, differences
from harness.plan_tests.spec import load
from harness.terraform.module import Module
from harness.terraform.unknown import UNKNOWN

SPEC = """\
# What comes first.
a-case: # that changes
  expect:
    resources:
      aws_x.y:
        size: 1 # in metres
        tags: { Owner: a }
        list:
          - 1
          - 2

        arn: known
      aws_x.gone: { size: 1 }
    absent: ["aws_z.*"]
    # Counted.
    inventory: { aws_x: 1 }
    outputs: { name: !regex '^b' }
"""


def test_values_are_replaced_in_place_and_the_rest_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(SPEC)
    (case,) = load(file, Module(tmp_path, ()))
    assert case.expected is not None
    planned = PlannedCase(
        {"aws_x.y": {"size": 2, "tags": {"Owner": "b"}, "list": [1, 2, 3], "arn": UNKNOWN}, "aws_z.z": {}},
        {"name": "a"},
    )
    changes: list[str] = []

    rest = rewrite.update(case, differences(case.expected, planned), changes)

    assert [line.removeprefix(f"{case.key}: ") for line in changes] == [
        "aws_x.y.size: 1 -> 2",
        'aws_x.y.tags.Owner: "a" -> "b"',
        "aws_x.y.list: [1, 2] -> [1, 2, 3]",
        'aws_x.y.arn: "known" -> (known after apply)',
        'inventory: {"aws_x": 1} -> {"aws_x": 1, "aws_z": 1}',
    ]
    assert [str(difference).partition(":")[0] for difference in rest] == [
        "aws_x.gone",
        "absent aws_z.*",
        "outputs.name",
    ]
    assert file.read_text() == SPEC.replace("size: 1 #", "size: 2 #").replace("Owner: a", 'Owner: "b"').replace(
        "          - 1\n          - 2\n", "          [1, 2, 3]\n"
    ).replace("arn: known", "arn: !unknown").replace("{ aws_x: 1 }", '{ "aws_x": 1, "aws_z": 1 }')
