"""Specs of plan tests: how they are read, and every way in which they can be empty or wrong."""

from pathlib import Path

import pytest

from harness.plan_tests.reading import Tagged
from harness.plan_tests.spec import Case, SpecError, load
from harness.terraform.module import read

MODULE = """
variable "name" {
  type     = string
  nullable = false
}

variable "rules" {
  type = map(object({
    days = optional(number, 7)
  }))
  default  = {}
  nullable = false
}
"""


def loaded(tmp_path: Path, text: str) -> tuple[Case, ...]:
    module = tmp_path / "thing"
    module.mkdir(exist_ok=True)
    (module / "variables.tf").write_text(MODULE)
    spec = tmp_path / "spec.yaml"
    spec.write_text(text)
    return load(spec, read(module))


def test_a_spec_is_read(tmp_path: Path) -> None:
    good, bad = loaded(
        tmp_path,
        "defaults: { name: a }\n\n"
        "good:\n  inputs: { rules: { x: { days: 3 } } }\n  expect: { resources: { aws_x.y: { on: !regex '^a' } } }\n"
        "bad:\n  inputs: { name: no }\n  rejects: [name is]\n",
    )

    assert good.inputs == {"name": "a", "rules": {"x": {"days": 3}}}
    assert good.expected is not None
    assert good.expected.resources == {"aws_x.y": {"on": Tagged("regex", "^a")}}
    assert (good.line, bad.line) == (3, 6)
    assert bad.inputs == {"name": "no"}  # a text, where YAML 1.1 has a boolean
    assert bad.rejects == ["name is"]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "the file is empty"),
        ("defaults: { name: a }\n", 1, "there is no case in this file"),
        ("a: [\n", 2, "this is not YAML"),
        ("Good Case:\n  expect: {}\n", 1, "is not a name for a case"),
        ("a:\n  inputs: { name: a }\n", 1, "either expect or rejects"),
        ("a:\n  inputs: { name: a }\n  expect: { outputs: { b: 1 } }\n  rejects: [b]\n", 1, "either expect or rejects"),
        ("a:\n  inputs: { name: a }\n  expects: {}\n", 3, "'expects' is unknown here"),
        ("a:\n  inputs: { name: a }\n  expect: {}\n", 3, "expect is a mapping with at least one entry"),
        ("a:\n  inputs: { name: a }\n  expect:\n    resources: {}\n", 4, "nothing would be expected"),
        ("a:\n  inputs: { name: a }\n  expect:\n    resources: { aws_x.y: {} }\n", 4, "with at least one entry"),
        (
            "a:\n  inputs: { name: a }\n  expect:\n    resources: { bucket: { a: 1 } }\n",
            4,
            "'bucket' is not an address",
        ),
        ("a:\n  inputs: { name: a }\n  expect:\n    resource: { aws_x.y: { a: 1 } }\n", 4, "'resource' is unknown"),
        ("a:\n  inputs: { name: a }\n  expect:\n    absent: []\n", 4, "absent is empty"),
        ("a:\n  inputs: { name: a }\n  expect:\n    inventory: { aws_x: 0 }\n", 4, "a whole number, 1 or more"),
        ("a:\n  inputs: { name: a }\n  rejects: []\n", 3, "rejects is a list of texts, at least one"),
        ("a:\n  inputs: { name: a }\n  rejects: ['/(/']\n", 3, "not a regular expression"),
        ("a:\n  inputs: { name: a, size: 3 }\n  rejects: [b]\n", 2, "thing has no input 'size'"),
        ("a:\n  inputs:\n    name: a\n    rules: { x: { day: 3 } }\n  rejects: [b]\n", 4, "no attribute 'day'"),
        ("a:\n  rejects: [b]\n", 1, "thing needs name among the inputs"),
        ("a:\n  inputs: { name: a }\n  rejects: [b]\na:\n  rejects: [b]\n", 4, "'a' occurs twice"),
        ("a:\n  inputs:\n    name: a\n    name: b\n  rejects: [b]\n", 4, "'name' occurs twice"),
        ("a:\n  inputs: { name: !env A }\n  rejects: [b]\n", 2, "!env is unknown"),
        ("a:\n  inputs: { name: !regex A }\n  rejects: [b]\n", 2, "!regex cannot be used in inputs"),
        ("a:\n  inputs: { name: a }\n  expect: { outputs: { b: !hcl c } }\n", 3, "!hcl can only be used in inputs"),
        ("a:\n  inputs: { name: a }\n  expect: { outputs: { b: !contains [] } }\n", 3, "at least one element"),
        ("a:\n  inputs: { name: a }\n  expect: { outputs: { b: !regex '(' } }\n", 3, "not a regular expression"),
    ],
)
def test_an_error_is_reported_with_file_and_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    with pytest.raises(SpecError) as error:
        loaded(tmp_path, text)

    assert str(error.value).startswith(f"{tmp_path / 'spec.yaml'}:{line}: ")
    assert problem in str(error.value)
