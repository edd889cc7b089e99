"""Patterns of policies and of events."""

import pytest

from harness.plan.arn import like, starred


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("invoice-*", "invoice-uploads", True),
        ("invoice-*", "invoice-", True),
        ("invoice-?", "invoice-", False),
        ("*:GetItem", "dynamodb:GetItem", True),
        ("get", "get-invoice", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("*", "two\nlines", True),
        ("a?b", "a\nb", True),
        ("a", "a\n", False),
    ],
)
def test_a_pattern_of_iam_matches_the_whole_text(pattern: str, text: str, *, matches: bool) -> None:
    assert like(pattern, text) is matches


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [("a*c", "abc", True), ("a?c", "abc", False), ("a?c", "a?c", True), ("*", "two\nlines", True)],
)
def test_eventbridge_has_the_star_only(pattern: str, text: str, *, matches: bool) -> None:
    assert starred(pattern, text) is matches
