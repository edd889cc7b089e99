"""Comparing a plan with a spec's expectation."""

import json
from typing import Any

import pytest

from harness.plan_tests.compare import PlannedCase, differences, fits, matches, missing_tags, type_of
from harness.plan_tests.reading import Tagged
from harness.plan_tests.rejections import message_differences
from harness.plan_tests.spec import Expectation
from harness.terraform.unknown import UNKNOWN

POLICY = json.dumps({"Statement": [{"Sid": "A", "Action": ["x", "y"]}, {"Sid": "B"}]})


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (1, 1.0),
        (None, None),
        (True, True),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": None}, {"b": 2}),
        ({}, {}),
        ({"a": 1}, [{"a": 1, "b": 2}]),  # a nested block that occurs once
        ([{"a": 1}, {"a": 2}], [{"a": 2, "b": 0}, {"a": 1}]),  # a set, in its own order
        ({"Statement": [{"Sid": "B"}, {"Action": ["y", "x"]}]}, POLICY),
        (POLICY, POLICY),
        (Tagged("contains", [{"Sid": "B"}]), [{"Sid": "A"}, {"Sid": "B"}]),
        (Tagged("regex", "^arn:"), "arn:aws"),
        (Tagged("unknown", ""), UNKNOWN),
    ],
)
def test_values_that_fit(expected: Any, found: Any) -> None:
    assert fits(expected, found)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        (1, True),
        (1, "1"),
        ("true", True),
        (None, UNKNOWN),
        (None, ""),
        ({}, {"a": 1}),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, [{"a": 1}, {"a": 1}]),
        ([1], [1, 2]),
        ([1, 1], [1, 2]),
        ([], None),
        ({"Statement": [{"Sid": "B"}]}, POLICY),
        ({"a": 1}, "no JSON"),
        (Tagged("contains", ["a", "a"]), ["a", "b"]),
        (Tagged("regex", "^arn:"), UNKNOWN),
        (Tagged("unknown", ""), "known"),
    ],
)
def test_values_that_do_not_fit(expected: Any, found: Any) -> None:
    assert not fits(expected, found)


def test_each_difference_has_the_place_and_both_values() -> None:
    planned = PlannedCase({'aws_x.this["a"]': {"size": [{"w": 1}], "tags": None}, "aws_y.b": {}}, {"arn": UNKNOWN})
    expected = Expectation(
        resources={'aws_x.this["a"]': {"size": {"w": 2}, "tags": None}, "aws_x.c": {"tags": None}},
        absent=["aws_y.*"],
        inventory={"aws_x": 1},
        outputs={"arn": "a", "name": "b"},
    )

    assert [str(difference) for difference in differences(expected, planned)] == [
        'aws_x.this["a"].size.w: expected 2, found 1',
        'aws_x.c: expected {"tags": null}, found "no such resource; of that type there are [\'aws_x.this[\\"a\\"]\']"',
        'absent aws_y.*: expected [], found ["aws_y.b"]',
        'inventory: expected {"aws_x": 1}, found {"aws_x": 1, "aws_y": 1}',
        'outputs.arn: expected "a", found (known after apply)',
        'outputs.name: expected "b", found "no such output among [\'arn\']"',
    ]


def test_a_type_is_read_from_any_address() -> None:
    assert type_of('module.a["x.y"].module.b.aws_s3_bucket.this[0]') == "aws_s3_bucket"


def test_brackets_in_a_pattern_are_brackets() -> None:
    assert matches('aws_x.this["a*"]', 'aws_x.this["abc"]')
    assert not matches("aws_x.this[0]", "aws_x.this0")


def test_a_rejection_has_every_expected_message_and_no_other() -> None:
    assert not [*message_differences(["size is", "/^name .* long$/"], ["size is 3", "name is too long"])]
    assert [*message_differences(["size"], [])] == ["expected a rejection with 'size', found none"]
    assert [*message_differences(["size"], ["size", "name"])] == ["rejected for another reason too: 'name'"]


@pytest.mark.parametrize(
    ("tags", "attributes", "values"),
    [
        ({"Owner": "a"}, {"tags": {"Owner": "a", "Name": "b"}}, []),
        ({"Owner": "a"}, {"tags": {"Owner": "b"}}, ['{"Owner": "b"}']),
        ({"Owner": "a"}, {"tags": None}, ["null"]),
        ({"Owner": "a"}, {"tags": UNKNOWN}, []),
        ({"Owner": "a"}, {"name": "it has no tags"}, []),
        (None, {"tags": None}, []),
    ],
)
def test_tags_are_expected_on_every_resource_that_can_have_them(
    tags: Any, attributes: dict[str, Any], values: list[str]
) -> None:
    lines = [*missing_tags(tags, PlannedCase({"aws_sqs_queue.this": attributes}, {}))]

    assert lines == [
        f'aws_sqs_queue.this.tags: expected {{"Owner": "a"}} among others, found {value}' for value in values
    ]
