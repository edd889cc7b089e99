"""EventBridge's operators, each on an event that fits and one that does not; an unknown operator is an error."""

from typing import Any

import pytest

from harness.contract.patterns import UnknownPatternError, matches

EVENT = {
    "source": "shop.orders",
    "detail-type": "order-placed",
    "detail": {
        "count": 3,
        "flag": True,
        "none": None,
        "literal": "a*b\\c",
        "tags": ["red", "green"],
        "buyer": {"name": "Ada", "address": "10.1.2.3"},
        "lines": [{"sku": "A", "price": 5}, {"sku": "B", "price": 7.5}],
        "empty": [],
    },
}


@pytest.mark.parametrize(
    ("field", "alternatives", "not_fitting"),
    [
        ("source", ["shop.orders"], ["shop.returns"]),
        ("source", ["other", "shop.orders"], ["Shop.Orders"]),
        ("source", [{"prefix": "shop."}], [{"prefix": "orders"}]),
        ("source", [{"prefix": {"equals-ignore-case": "SHOP."}}], [{"prefix": {"equals-ignore-case": "ORDERS"}}]),
        ("source", [{"suffix": ".orders"}], [{"suffix": "shop"}]),
        ("source", [{"suffix": {"equals-ignore-case": ".ORDERS"}}], [{"suffix": {"equals-ignore-case": "SHOP"}}]),
        ("source", [{"equals-ignore-case": "SHOP.ORDERS"}], [{"equals-ignore-case": "SHOP"}]),
        ("source", [{"wildcard": "shop.*s"}], [{"wildcard": "shop.*x"}]),
        ("source", [{"wildcard": "*.orders"}], [{"wildcard": "\\*.orders"}]),
        ("detail.literal", [{"wildcard": "a\\*b\\\\c"}], [{"wildcard": "a\\*\\*c"}]),
        ("detail.literal", [{"wildcard": "a*c"}], [{"wildcard": "a?b*"}]),
        ("source", [{"anything-but": ["shop.returns"]}], [{"anything-but": ["shop.orders", "x"]}]),
        ("source", [{"anything-but": "shop.returns"}], [{"anything-but": "shop.orders"}]),
        ("source", [{"anything-but": {"prefix": "bank"}}], [{"anything-but": {"prefix": "shop"}}]),
        ("source", [{"anything-but": {"suffix": ["x", "y"]}}], [{"anything-but": {"suffix": ["x", "orders"]}}]),
        ("source", [{"anything-but": {"wildcard": "b*k"}}], [{"anything-but": {"wildcard": "s*s"}}]),
        ("detail.count", [{"numeric": [">", 0, "<=", 3]}], [{"numeric": [">", 3]}]),
        ("detail.count", [{"numeric": ["=", 3.0]}], [{"numeric": ["<", 3]}]),
        ("detail.count", [3.0], ["3"]),
        ("detail.flag", [True], [1]),
        ("detail.none", [None], [False]),
        ("detail.buyer.name", [{"exists": True}], [{"exists": False}]),
        ("detail.buyer.email", [{"exists": False}], [{"exists": True}]),
        ("detail.buyer.address", [{"cidr": "10.0.0.0/8"}], [{"cidr": "192.168.0.0/16"}]),
        ("detail.tags", ["green"], ["blue"]),
        ("detail.tags", [{"prefix": "re"}], [{"prefix": "bl"}]),
        ("detail.tags", [{"anything-but": ["blue"]}], [{"anything-but": ["red"]}]),
        ("detail.lines.sku", ["B"], ["C"]),
        ("detail.lines.price", [{"numeric": [">", 7]}], [{"numeric": [">", 8]}]),
    ],
)
def test_an_operator(field: str, alternatives: list[Any], not_fitting: list[Any]) -> None:
    assert matches(pattern(field, alternatives), EVENT)
    assert not matches(pattern(field, not_fitting), EVENT)


def pattern(path: str, alternatives: list[Any]) -> dict[str, Any]:
    name, _, rest = path.partition(".")
    return {name: pattern(rest, alternatives) if rest else alternatives}


def test_every_field_has_to_fit_and_one_alternative_is_enough() -> None:
    assert matches({"source": ["shop.orders"], "detail-type": ["order-placed", "order-paid"]}, EVENT)
    assert not matches({"source": ["shop.orders"], "detail-type": ["order-paid"]}, EVENT)


def test_one_of_several_branches_is_enough() -> None:
    assert matches({"$or": [{"source": ["x"]}, {"detail": {"count": [3]}}]}, EVENT)
    assert not matches({"$or": [{"source": ["x"]}, {"detail": {"count": [4]}}]}, EVENT)


def test_an_absent_field_fits_only_a_pattern_for_its_absence() -> None:
    for alternative in ("x", {"prefix": ""}, {"anything-but": ["x"]}, {"numeric": [">", 0]}):
        assert not matches({"detail": {"absent": [alternative]}}, EVENT)
    assert not matches({"detail": {"empty": [{"anything-but": ["x"]}]}}, EVENT)


@pytest.mark.parametrize(
    "alternative",
    [
        {"starts-with": "a"},
        {"prefix": {"wildcard": "a"}},
        {"anything-but": {"numeric": [">", 1]}},
        {"numeric": ["~", 3]},
        {"numeric": [">"]},
        {"numeric": 3},
        {"wildcard": {"a": 1}},
        {"prefix": "a", "suffix": "b"},
        ["a"],
    ],
)
def test_an_unknown_operator_is_an_error_even_where_the_event_does_not_reach_it(alternative: Any) -> None:
    with pytest.raises(UnknownPatternError, match="x"):
        matches({"source": ["nobody"], "detail": {"x": [alternative]}}, EVENT)


@pytest.mark.parametrize("broken", [{}, {"source": "shop.orders"}, {"detail": {}}, {"source": None}])
def test_what_is_not_a_pattern_is_an_error(broken: dict[str, Any]) -> None:
    with pytest.raises(UnknownPatternError):
        matches(broken, EVENT)
