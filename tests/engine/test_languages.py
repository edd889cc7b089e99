"""The small languages of the engine: mapping templates and metric math."""

from typing import Any

import pytest

from embedded import vtl
from emulation import metric_math


def render(template: str, **headers: str) -> str:
    parameters: dict[str, Any] = {"path": {"id": "7"}, "querystring": {"q": "x"}, "header": vtl.AnyCase(headers)}
    body = '{"a": {"b": [1, "two"]}, "n": null}'
    scope = {"context": {"stage": "v1"}, "input": vtl.Input(body, parameters), "util": vtl.Util()}
    return vtl.render(template, scope)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain $5 and # sign", "plain $5 and # sign"),
        ("$context.stage/${context.stage}", "v1/v1"),
        ("[$context.nothing][$!unknown][$unknown]", "[][][$unknown]"),
        ("#set($a = 'x')$a$!{a}", "xx"),
        ('#set($a = "v-$context.stage")$a', "v-v1"),
        ("#set($a = 1 + 2 * 3)$a", "7"),
        ("#if(1 == 1)yes#{else}no#end", "yes"),
        ("#if($nothing)a#elseif(!$nothing && 'x' != 'y')b#{else}c#end", "b"),
        ("#foreach($i in [1, 2, 3])$i,#end", "1,2,3,"),
        ("## comment\n#* block *#x", "x"),
        ("$input.params('id')$input.params('q')$input.params('none')", "7x"),
        ("$input.params().header.get('ORIGIN')", "o"),
        ("$input.path('$.a.b[1]') $input.json('$.a')", 'two {"b":[1,"two"]}'),
        ("$util.urlEncode('a b&c') $util.base64Encode('hi')", "a+b%26c aGk="),
        ("$util.escapeJavaScript('a\"b')", 'a\\"b'),
        ("#set($s = 'abc')#if($s.matches('a.*') && $s.contains('c'))1#end", "1"),
    ],
)
def test_templates_are_evaluated(template: str, expected: str) -> None:
    assert render(template, origin="o") == expected


@pytest.mark.parametrize(
    "template",
    [
        "#if(1",
        "#if(1)x",
        "#set(a = 1)",
        "#set($a.b = 1)",
        "#end",
        "#if(1 ~ 2)#end",
        "$util.nothing()",
        "$a[1",
        "#parse('x')",
        "#include('x')",
        "#stop",
    ],
)
def test_a_broken_template_is_rejected(template: str) -> None:
    with pytest.raises(vtl.TemplateError):
        render(template)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 + m2 * 2", 8),
        ("(m1 + m2) / 0", None),
        ("-m1 ^ 2", -4),
        ("missing + 1", None),
        ("FILL(missing, 0) + 1", 1),
        ("IF(m1 > 1 AND m2 > 1, 10, 20)", 10),
        ("IF(m1 > 5 || m2 > 5, 10)", None),
        ("SUM([m1, m2, missing])", 5),
        ("MAX(METRICS()) + MIN(METRICS('m'))", 5),
        ("ABS(m1 - m2)", 1),
        ("m1 >= 2", 1),
    ],
)
def test_metric_math_is_computed(expression: str, expected: float | None) -> None:
    assert metric_math.evaluate(expression, {"m1": 2, "m2": 3, "missing": None}) == expected
