"""Which requirements apply to a target (PEP 508)."""

import sys
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.package.markers import canonical, parse
from harness.package.target import Target, platform_of

LAMBDA = platform_of(Target.AWS, None).markers


@pytest.mark.parametrize(
    ("text", "name", "extras"),
    [
        ("pydantic", "pydantic", set()),
        ("aws-lambda-powertools[tracer]~=3.37", "aws-lambda-powertools", {"tracer"}),
        ("Zope.Interface [a, B_c] >=1,<2 ; python_version > '3'", "zope-interface", {"a", "b-c"}),
        ("botocore >=1.11.3", "botocore", set()),
        ("x (>=1.0)", "x", set()),
    ],
)
def test_a_requirement_is_read(text: str, name: str, extras: set[str]) -> None:
    requirement = parse(text)

    assert (requirement.name, requirement.extras) == (name, extras)


@pytest.mark.parametrize(
    ("marker", "applies"),
    [
        ("python_version < '3.12'", False),
        ("python_version >= '3.9'", True),
        ("python_version == '3.13'", True),
        ("python_full_version < '3.13.0'", False),
        ("'3.9' < python_version", True),
        ("python_version ~= '3.8'", True),
        ("python_version ~= '3.8.0'", False),
        ("python_full_version === '3.13.0'", True),
        ("platform_machine == 'aarch64'", True),
        ("sys_platform == 'win32' or platform_system == 'Linux'", True),
        ("sys_platform != 'win32' and platform_machine in 'x86_64 AMD64'", False),
        ("platform_machine not in 'x86_64 AMD64'", True),
        ("(sys_platform == 'win32' or os_name == 'posix') and implementation_name == 'cpython'", True),
        ("extra == 'tracer'", True),
        ("extra == 'Parser_Kit'", True),
        ("extra == 'all'", False),
        ("extra == 'all' or extra == 'tracer'", True),
        ("python_version < '3.0' and extra == 'tracer'", False),
    ],
)
def test_markers_are_evaluated_for_the_target(marker: str, *, applies: bool) -> None:
    assert parse(f"x; {marker}").applies(LAMBDA, {"tracer", "parser-kit"}) is applies


def test_a_requirement_of_an_extra_does_not_apply_without_that_extra() -> None:
    assert not parse("x; extra == 'tracer'").applies(LAMBDA, set())
    assert parse("x; python_version > '3'").applies(LAMBDA, set())


@pytest.mark.parametrize("marker", ["no_such_name == '1'", "python_version ~ '3.8'", "f(1) == 'x'", "'a' < 'b' < 'c'"])
def test_an_unsupported_marker_is_an_error(marker: str) -> None:
    with pytest.raises(HarnessError, match="has a form that is not supported"):
        parse(f"x; {marker}").applies(LAMBDA, set())


def test_a_text_that_is_not_a_requirement_is_an_error() -> None:
    with pytest.raises(HarnessError, match="is not a requirement"):
        parse("-e .")


def test_names_have_one_canonical_form() -> None:
    assert canonical("Foo__Bar.baz") == "foo-bar-baz"


def test_the_hosts_markers_are_those_of_its_interpreter() -> None:
    host = platform_of(Target.HOST, Path(sys.executable))

    assert host.markers["python_version"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert host.markers["sys_platform"] == sys.platform
    assert host.key.startswith(f"host-{sys.implementation.name}{sys.version_info.major}{sys.version_info.minor}-")


def test_an_interpreter_that_does_not_run_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="does not run"):
        platform_of(Target.HOST, tmp_path / "python")
