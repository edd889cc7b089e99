"""The examination of a computer: what it finds, and that each problem comes with its fix."""

import json
import os
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.doctor import machine, settings, tools
from harness.doctor.examination import show
from harness.doctor.findings import Finding, Grade, good
from harness.engine import localstack_docker

NOW = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)


def test_too_little_disk_is_an_error_of_the_folder_that_exists(tmp_path: Path) -> None:
    finding = machine.disk(tmp_path / "not" / "yet", free=lambda _: 2**30)

    assert finding.grade is Grade.ERROR
    assert str(tmp_path) in finding.text
    assert "HARNESS_BUILD_DIR" in finding.fix


def test_enough_disk_is_good(tmp_path: Path) -> None:
    assert machine.disk(tmp_path, free=lambda _: 2**40).grade is Grade.GOOD


def test_the_build_folder_tells_its_size_and_counts_a_linked_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"x" * 600)
    os.link(tmp_path / "a", tmp_path / "b")

    monkeypatch.setattr(machine, "LARGE_BUILD_BYTES", 1000)
    once = machine.build_size(tmp_path)
    monkeypatch.setattr(machine, "LARGE_BUILD_BYTES", 500)
    large = machine.build_size(tmp_path)

    assert (once.grade, large.grade) == (Grade.GOOD, Grade.WARNING)
    assert "./noxw -s clean" in large.fix


def test_a_taken_port_is_a_warning_that_names_a_way_out() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        number = server.getsockname()[1]

        finding = machine.port(number)

    assert finding.grade is Grade.WARNING
    assert str(number) in finding.text
    assert "--port auto" in finding.fix


@pytest.mark.parametrize(
    ("minutes", "grade"), [(0, Grade.GOOD), (4, Grade.GOOD), (6, Grade.ERROR), (-6, Grade.ERROR), (None, Grade.NOTE)]
)
def test_a_clock_that_aws_would_reject_is_an_error(minutes: int | None, grade: Grade) -> None:
    remote = None if minutes is None else NOW + timedelta(minutes=minutes)

    assert machine.clock(lambda: remote, lambda: NOW).grade is grade


def test_a_description_without_an_engine_is_a_leftover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(localstack_docker, "leftovers", list)
    (clean,) = machine.leftovers(tmp_path)
    (tmp_path / "stack-dev.json").write_text("{}")

    (left,) = machine.leftovers(tmp_path)

    assert clean.grade is Grade.GOOD
    assert (left.grade, left.fix) == (Grade.WARNING, "Remove it: ./noxw -s down")
    assert "stack-dev.json" in left.text


def test_without_terraform_the_download_is_announced_and_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.terraform.binary.BUILD", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("HARNESS_TERRAFORM", raising=False)
    monkeypatch.delenv("HARNESS_NO_DOWNLOAD", raising=False)

    announced = tools.terraform()
    monkeypatch.setenv("HARNESS_NO_DOWNLOAD", "1")
    forbidden = tools.terraform()

    assert (announced.grade, forbidden.grade) == (Grade.NOTE, Grade.ERROR)
    assert os.environ["HARNESS_NO_DOWNLOAD"] == "1"
    assert not list(tmp_path.iterdir())


def test_a_mirror_without_the_provider_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_TF_MIRROR", str(tmp_path))

    finding = tools.provider()

    assert finding.grade is Grade.ERROR
    assert "hashicorp/aws" in finding.text
    assert "terraform providers mirror" in finding.fix


def test_localstack_needs_docker_or_python_3_13_only_if_it_is_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(localstack_docker, "why_unusable", lambda: "there is no docker command")
    monkeypatch.setattr("harness.engine.pythons.find", lambda _: None)
    monkeypatch.delenv("LOCALSTACK_ENDPOINT", raising=False)

    monkeypatch.delenv("HARNESS_ENGINE", raising=False)
    optional = [finding.grade for finding in tools.localstack()]
    monkeypatch.setenv("HARNESS_ENGINE", "localstack")
    needed = [finding.grade for finding in tools.localstack()]

    assert optional == [Grade.NOTE, Grade.NOTE]
    assert needed == [Grade.ERROR, Grade.ERROR]


@pytest.mark.parametrize(
    ("environment", "grade"),
    [
        ({}, Grade.GOOD),
        ({"https_proxy": "http://p"}, Grade.NOTE),
        ({"HTTPS_PROXY": "http://p", "NO_PROXY": "example.com, 127.0.0.1"}, Grade.GOOD),
    ],
)
def test_a_proxy_that_loopback_does_not_avoid_is_noted(environment: dict[str, str], grade: Grade) -> None:
    assert settings.proxies(environment).grade is grade


def test_fips_endpoints_of_a_profile_are_found_with_their_place(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile gov]\nuse_fips_endpoint = true\n")

    (finding,) = settings.endpoints({"AWS_CONFIG_FILE": str(config), "AWS_USE_DUALSTACK_ENDPOINT": "true"})

    assert finding.grade is Grade.NOTE
    assert "use_fips_endpoint of [profile gov]" in finding.text
    assert "AWS_USE_DUALSTACK_ENDPOINT" in finding.text
    assert [found.grade for found in settings.endpoints({"AWS_CONFIG_FILE": os.devnull})] == [Grade.GOOD]


def test_a_setting_that_names_nothing_is_an_error() -> None:
    found = list(settings.variables({"HARNESS_TERRAFORM": "/no/such/terraform", "HARNESS_ENGINE": "moon"}))

    assert [finding.grade for finding in found] == [Grade.ERROR, Grade.ERROR]
    assert not list(settings.variables({"HARNESS_ENGINE": "localstack"}))


@pytest.mark.parametrize(("grade", "code"), [(Grade.NOTE, 0), (Grade.WARNING, 0), (Grade.ERROR, 1)])
def test_only_errors_make_the_exit_code_one(grade: Grade, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    def findings() -> Iterator[Finding]:
        yield good("a", "fine")
        yield Finding("b", grade, "found", "do this")

    assert show(findings(), as_json=False) == code
    assert "do this" in capsys.readouterr().out
    assert show(findings(), as_json=True) == code
    assert [row["grade"] for row in json.loads(capsys.readouterr().out)] == ["good", grade.value]
