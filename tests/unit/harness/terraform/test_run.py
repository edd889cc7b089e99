"""harness.terraform.run: events, failures, and no process left running; with a stand-in for Terraform."""

import json
import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.process import supervisor
from harness.terraform import run
from harness.terraform.events import Diagnostic, RunOutcome, TerraformEvent
from harness.terraform.mirror import CliConfig, LockedProvider

PREAMBLE = """
import json, os, signal, sys, time
def say(type, **more): print(json.dumps({"type": type, **more}), flush=True)
"""

StandIn = Callable[[str], run.Terraform]


@pytest.fixture
def stand_in(tmp_path: Path, root: Path, config: CliConfig) -> StandIn:
    """Replaces Terraform by a Python program of a few lines; ``say(type, **more)`` prints an event."""

    def make(program: str) -> run.Terraform:
        file = tmp_path / "terraform"
        file.write_text(f"#!{sys.executable}\n{PREAMBLE}{textwrap.dedent(program)}")
        file.chmod(0o755)
        return run.Terraform(
            root, env={}, data_dir=tmp_path / "data", log_dir=tmp_path / "log", program=file, config=config
        )

    return make


def test_a_check_that_finds_the_engine_dead_ends_the_command_at_once(stand_in: StandIn) -> None:
    terraform = stand_in('say("log"); time.sleep(60)')
    results = iter([None, None, HarnessError("The engine ended.", remedy="Start again.")])

    def check() -> None:
        if error := next(results):
            raise error

    terraform._check = check
    started = time.monotonic()

    with pytest.raises(HarnessError, match=r"The engine ended\."):
        terraform.apply()

    assert time.monotonic() - started < 20


def hook(address: str, action: str = "create", **more: Any) -> dict[str, Any]:
    return {"resource": {"addr": address}, "action": action, **more}


def test_events_are_passed_on_as_they_arrive_and_collected(stand_in: StandIn) -> None:
    terraform = stand_in(f"""
        say("apply_start", hook={hook("aws_sqs_queue.a")}, **{{"@message": "aws_sqs_queue.a: Creating..."}})
        say("apply_progress", hook={hook("aws_sqs_queue.a", elapsed_seconds=10)})
        say("apply_complete", hook={hook("aws_sqs_queue.a", elapsed_seconds=25)})
        say("apply_start", hook={hook("aws_sqs_queue.b")})
        say("change_summary", changes=dict(add=1, change=2, remove=3))
        say("outputs", outputs=dict(url=dict(value="http://x"), key=dict(sensitive=True)))
        print("not json")
    """)
    seen: list[TerraformEvent] = []

    outcome = terraform.apply(on_event=seen.append)

    assert [event.type for event in seen][:4] == ["apply_start", "apply_progress", "apply_complete", "apply_start"]
    assert seen[0].message == "aws_sqs_queue.a: Creating..."
    assert [event.elapsed_s for event in seen[:3]] == [0, 10, 25]
    assert (outcome.added, outcome.changed, outcome.removed) == (1, 2, 3)
    assert outcome.outputs == {"url": "http://x"}
    assert outcome.unfinished == {"aws_sqs_queue.b": "create"}
    assert outcome.text == ["not json"]


def test_a_failure_has_address_summary_and_detail_in_a_few_lines(stand_in: StandIn) -> None:
    diagnostics = [
        {"severity": "warning", "summary": "Deprecated", "detail": ""},
        {
            "severity": "error",
            "summary": "creating SQS Queue: AccessDenied",
            "detail": "first\n\nsecond",
            "address": "module.a.aws_sqs_queue.a",
            "range": {"filename": "../modules/a/main.tf", "start": {"line": 7}},
        },
        *({"severity": "error", "summary": f"more {number}", "detail": ""} for number in range(6)),
    ]
    terraform = stand_in(f"""
        for body in json.loads({json.dumps(diagnostics)!r}): say("diagnostic", diagnostic=body)
        sys.exit(1)
    """)

    with pytest.raises(run.TerraformError) as error:
        terraform.apply()

    assert error.value.what.splitlines() == [
        "terraform apply failed in live (exit code 1):",
        "module.a.aws_sqs_queue.a (../modules/a/main.tf:7): creating SQS Queue: AccessDenied",
        "  first",
        "  second",
        *(f"more {number}" for number in range(4)),
        "... and 2 more errors",
    ]
    assert error.value.exit_code == 1
    assert len(error.value.diagnostics) == 8
    assert str(terraform.log_dir / "apply") in error.value.remedy


def test_a_failure_without_a_diagnostic_shows_the_end_of_stderr(stand_in: StandIn) -> None:
    terraform = stand_in("""
        sys.stderr.write("╷\\n│ Error: Failed to load plugin\\n╵\\n"); sys.exit(1)
    """)

    with pytest.raises(run.TerraformError, match="Error: Failed to load plugin"):
        terraform.destroy()


def test_the_engines_last_error_is_shown(stand_in: StandIn) -> None:
    terraform = stand_in("sys.exit(1)")
    terraform._engine_error = lambda: "500 PutRule: KeyError"

    with pytest.raises(run.TerraformError, match="The engine's last error: 500 PutRule: KeyError"):
        terraform.apply()


def test_errors_of_more_than_a_pipe_holds_do_not_stop_it(stand_in: StandIn) -> None:
    terraform = stand_in("""
        for _ in range(5000): sys.stderr.write("x" * 99 + "\\n")
        say("change_summary", changes=dict(add=1))
    """)

    assert terraform.apply(deadline_s=20).added == 1
    assert (terraform.log_dir / "apply.stderr").stat().st_size == 500_000


def test_a_command_that_is_too_slow_is_stopped_and_names_what_it_waits_for(stand_in: StandIn) -> None:
    terraform = stand_in(f"""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
        say("apply_start", hook={hook("aws_sqs_queue.slow")})
        time.sleep(60)
    """)
    terraform._engine_error = lambda: "503 CreateQueue"
    started = time.monotonic()

    with pytest.raises(run.TerraformError) as error:
        terraform.apply(deadline_s=0.5)

    assert time.monotonic() - started < 5
    assert "did not finish within 0.5 s" in error.value.what
    assert "Still in progress: aws_sqs_queue.slow (create)." in error.value.what
    assert "The engine's last error: 503 CreateQueue" in error.value.what
    assert supervisor.records() == []


def test_its_plugins_end_with_it(stand_in: StandIn, tmp_path: Path) -> None:
    terraform = stand_in(f"""
        import subprocess
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.DEVNULL)
        open({str(tmp_path / "child")!r}, "w").write(str(child.pid))
    """)

    terraform.apply()

    assert supervisor.start_time(int((tmp_path / "child").read_text())) is None


def test_while_it_runs_it_is_recorded_for_down(stand_in: StandIn) -> None:
    terraform = stand_in("say('log')")
    purposes: list[str] = []

    terraform.apply(on_event=lambda _: purposes.extend(record.purpose for record in supervisor.records()))

    assert purposes == ["terraform apply live"]
    assert supervisor.records() == []


def test_a_callback_that_fails_ends_it_too(stand_in: StandIn) -> None:
    terraform = stand_in("say('log'); time.sleep(60)")

    def fail(_: TerraformEvent) -> None:
        raise RuntimeError("display broke")

    with pytest.raises(RuntimeError, match="display broke"):
        terraform.apply(on_event=fail)

    assert supervisor.records() == []


def test_ctrl_c_is_passed_on_once_and_terraforms_end_awaited(stand_in: StandIn, tmp_path: Path) -> None:
    signals = tmp_path / "signals"
    terraform = stand_in(f"""
        def stop(number, frame):
            open({str(signals)!r}, "a").write(f"{{number}} ")
            time.sleep(0.2)
            open({str(signals)!r}, "a").write("state written")
            sys.exit(1)
        signal.signal(signal.SIGINT, stop)
        say("log"); time.sleep(60)
    """)

    with pytest.raises(KeyboardInterrupt):
        terraform.apply(on_event=lambda _: signal.raise_signal(signal.SIGINT))

    assert signals.read_text() == "2 state written"


def test_its_environment_is_the_callers_without_terraforms_variables(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TF_CLI_ARGS", "-no-such-option")
    monkeypatch.setenv("TF_VAR_region", "mars")
    monkeypatch.setenv("TF_LOG", "WARN")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    terraform = stand_in("")
    terraform._env = {"TF_VAR_account_id": "000000000000"}
    assert {name: value for name, value in terraform.environment().items() if name.startswith("TF_")} == {
        "TF_LOG": "WARN",
        "TF_VAR_account_id": "000000000000",
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "TF_CLI_CONFIG_FILE": str(tmp_path / "terraform.rc"),
        "TF_DATA_DIR": str(tmp_path / "data"),
    }
    assert terraform.environment()["CHECKPOINT_DISABLE"] == "1"
    assert terraform.environment()["AWS_PROFILE"] == "mine"


def test_with_an_engine_nothing_of_the_callers_account_is_inherited(
    stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.setenv(name, "the caller's")
    terraform = stand_in("")
    terraform._env = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "test"}
    assert {name: value for name, value in terraform.environment().items() if name.startswith("AWS_")} == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def test_init_passes_the_backends_values_and_only_reads_the_lock(stand_in: StandIn) -> None:
    terraform = stand_in("say('log', **{'@message': ' '.join(sys.argv[1:])})")
    messages: list[str] = []

    terraform.init({"bucket": "b", "use_path_style": "true"}, on_event=lambda event: messages.append(event.message))

    assert messages[0].split() == [
        f"-chdir={terraform.root}",
        "init",
        "-json",
        "-no-color",
        "-reconfigure",
        "-lockfile=readonly",
        "-backend-config=bucket=b",
        "-backend-config=use_path_style=true",
    ]


def test_an_init_that_gets_no_provider_names_the_searched_folders(stand_in: StandIn, tmp_path: Path) -> None:
    detail = "could not connect to registry.terraform.io for hashicorp/aws: no such host"
    terraform = stand_in(f"""
        say("diagnostic", diagnostic=dict(severity="error", summary="Failed to query", detail={detail!r}))
        sys.exit(1)
    """)
    providers = (LockedProvider("registry.terraform.io/hashicorp/aws", "5.100.0"),)
    terraform._config = CliConfig(tmp_path / "terraform.rc", None, (Path("/some/place"),), providers)

    with pytest.raises(HarnessError, match=r"searched /some/place.*did not respond") as error:
        terraform.init()

    assert "HARNESS_TF_MIRROR" in error.value.remedy


@pytest.mark.parametrize("line", ['"text"', "[1]", "{", "panic: runtime error"])
def test_a_line_that_is_not_an_event_becomes_text(line: str) -> None:
    assert TerraformEvent.from_line(line + "\n") == TerraformEvent(type="text", message=line)


def test_a_diagnostic_of_a_block_that_is_not_written_anywhere_names_no_file() -> None:
    body = {"summary": "No credentials", "address": "provider[aws]", "range": {"filename": "<empty>"}}
    assert str(Diagnostic.from_json(body)) == "provider[aws]: No credentials"


def test_only_errors_are_errors() -> None:
    outcome = RunOutcome(diagnostics=[Diagnostic("warning", "w"), Diagnostic("error", "e")])

    assert [diagnostic.summary for diagnostic in outcome.errors] == ["e"]
