"""The parts of an expression, whatever they are nested in."""

from pathlib import Path

import pytest

from harness.terraform.expressions import Expressions, Reference
from harness.terraform.module import read_file


def parsed(tmp_path: Path, expression: str) -> tuple[str, Expressions]:
    """A file with one local, and that local's value."""
    file = tmp_path / "main.tf"
    file.write_text(f"locals {{\n  x = {expression}\n}}\n", encoding="utf-8")
    (block,) = read_file(file)
    return file.read_text(encoding="utf-8"), Expressions(block.attributes["x"].node)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("var.a", {"var.a"}),
        ("merge(var.a.b, { c = local.d })", {"var.a", "local.d"}),
        ('"x ${var.a} y ${local.b}"', {"var.a", "local.b"}),
        ("[for v in var.a : v if v != local.b]", {"var.a", "local.b"}),
        ("var.a[*].id", {"var.a"}),
        ("<<-EOT\n  ${var.a}\nEOT", {"var.a"}),
        ("each.value.var", set()),
        ("{ var = 1 } # local.no", set()),
    ],
)
def test_references_are_found_wherever_they_are(tmp_path: Path, expression: str, names: set[str]) -> None:
    _, expressions = parsed(tmp_path, expression)

    assert {f"{reference.kind}.{reference.name}" for reference in expressions.references} == names


def test_reference_to_one_element_is_marked(tmp_path: Path) -> None:
    _, expressions = parsed(tmp_path, '[var.a["get"], var.b]')

    assert {reference for reference in expressions.references if reference.indexed} == {
        Reference("var", "a", indexed=True)
    }


def test_comprehensions_have_a_key_a_collection_and_a_condition(tmp_path: Path) -> None:
    _, expressions = parsed(tmp_path, '{ for k, v in var.a : k => [for w in values(v) : w] if k != "b" }')

    loops = [(loop.key, str(loop.over), loop.condition and str(loop.condition)) for loop in expressions.comprehensions]
    assert loops == [("k", "var.a", 'k!="b"'), ("w", "values(v)", None)]


def test_elements_have_their_places(tmp_path: Path) -> None:
    text, expressions = parsed(tmp_path, 'f({\n    a = 1 # one\n    "b/c" = { d = "e" }\n  }, [ 2, 3 ])')

    assert [(e.key, text[e.start : e.value.end]) for e in expressions.elements] == [
        ("a", "a = 1"),
        ("b/c", '"b/c" = { d = "e" }'),
        ("d", 'd = "e"'),
    ]
    assert [text[item.start : item.value.end] for item in expressions.items] == ["2", "3"]


def test_strings_are_those_without_interpolations(tmp_path: Path) -> None:
    _, expressions = parsed(tmp_path, '["a", "b ${var.c}", ""]')

    assert [str(string) for string in expressions.strings] == ['"a"', '""']


def test_arguments_are_those_of_the_first_call(tmp_path: Path) -> None:
    _, expressions = parsed(tmp_path, "optional(list(string), [])")

    assert [str(argument) for argument in expressions.arguments("optional")] == ["list(string)", "[]"]
    assert expressions.arguments("other") == ()
