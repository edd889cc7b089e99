"""The overlay of what a plan does not know yet."""

from typing import Any

import pytest

from harness.terraform.unknown import UNKNOWN, known


@pytest.mark.parametrize(
    ("after", "unknown", "planned"),
    [
        ("a", False, "a"),
        (None, True, UNKNOWN),
        ({"name": "a"}, {"arn": True}, {"name": "a", "arn": UNKNOWN}),
        ({"tags": {"a": "b"}}, {"tags": {}}, {"tags": {"a": "b"}}),
        (["a", None], [False, True], ["a", UNKNOWN]),
        (["a"], [], ["a"]),
        ([], [{"arn": True}], [{"arn": UNKNOWN}]),
        (None, {"block": [{"id": True}]}, {"block": [{"id": UNKNOWN}]}),
    ],
)
def test_unknown_values_take_their_places(after: Any, unknown: Any, planned: Any) -> None:
    assert known(after, unknown) == planned


def test_an_unknown_value_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match="compare with `is UNKNOWN`"):
        bool(UNKNOWN)
