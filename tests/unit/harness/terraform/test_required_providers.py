"""Which version constraints of providers have an upper bound."""

from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from harness.paths import ROOT
from harness.policy import unplanned
from harness.terraform import lint
from harness.terraform.mirror import locked_providers
from harness.terraform.module import Module, read
from harness.terraform.required_providers import required_providers


def module(folder: Path, constraint: str) -> Module:
    (folder / "versions.tf").write_text(
        "terraform {\n"
        '  required_version = ">= 1.11"\n'
        "  required_providers {\n"
        f'    aws = {{ source = "hashicorp/aws", version = "{constraint}" }}\n'
        "  }\n"
        "}\n"
    )
    return read(folder)


@pytest.mark.parametrize(
    ("constraint", "is_bounded"),
    [
        ("= 5.1", True),
        ("5.1", True),
        ("~> 5.100", True),
        ("~> 5", False),
        (">= 5.100, < 7", True),
        ("< 7, >= 5", True),
        ("<= 6.99", True),
        (">= 5.100", False),
        ("> 5, != 7", False),
        ("newest", False),
        ("", False),
    ],
)
def test_lint_and_gate_agree_on_upper_bounds(tmp_path: Path, constraint: str, *, is_bounded: bool) -> None:
    source = module(tmp_path, constraint)

    (provider,) = required_providers(source)
    in_lint = [finding for finding in lint.required_versions(source) if "upper bound" in finding.message]
    in_gate = [problem for problem in unplanned.problems_of(tmp_path) if "upper bound" in problem]

    assert (provider.name, provider.constraint, provider.line) == ("aws", constraint, 4)
    assert provider.has_upper_bound is is_bounded
    assert [bool(in_lint), bool(in_gate)] == [not is_bounded, not is_bounded]


def test_a_provider_without_a_version_has_no_upper_bound(tmp_path: Path) -> None:
    (tmp_path / "versions.tf").write_text('terraform {\n  required_providers {\n    aws = { source = "a/b" }\n  }\n}\n')

    (provider,) = required_providers(read(tmp_path))

    assert (provider.constraint, provider.has_upper_bound) == ("missing", False)


@pytest.mark.parametrize("folder", sorted(ROOT.glob("modules/*/versions.tf")), ids=lambda file: file.parent.name)
def test_a_module_accepts_the_tested_version_of_a_provider_and_no_other_major_version(folder: Path) -> None:
    locks = ROOT.glob("live/*/.terraform.lock.hcl")
    tested = {Version(locked.version) for lock in locks for locked in locked_providers(lock)}

    accepted = [SpecifierSet(one.constraint.replace("~>", "~=")) for one in required_providers(read(folder.parent))]

    assert accepted
    assert tested
    assert all(version in versions for versions in accepted for version in tested)
    majors = {version.major for version in tested}
    assert not any(Version(f"{major + 1}") in versions for versions in accepted for major in majors)
