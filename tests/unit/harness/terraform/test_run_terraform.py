"""harness.terraform.run with Terraform itself: the built-in terraform_data resource needs no provider."""

import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from harness.process import supervisor
from harness.terraform import binary, run
from harness.terraform.mirror import CliConfig


@pytest.fixture(scope="module")
def program() -> Path:
    return binary.find()


@pytest.fixture
def real(tmp_path: Path, root: Path, config: CliConfig, program: Path) -> run.Terraform:
    (root / "main.tf").write_text(
        """
        terraform {
          backend "local" {}
        }
        variable "text" {
          type = string
          validation {
            condition     = var.text != "bad"
            error_message = "The text is bad."
          }
        }
        resource "terraform_data" "this" {
          input = var.text
        }
        output "text" {
          value = terraform_data.this.output
        }
        output "secret" {
          value     = "hidden"
          sensitive = true
        }
        """
    )
    terraform = run.Terraform(
        root,
        env={"TF_VAR_text": "hello"},
        data_dir=tmp_path / "data",
        log_dir=tmp_path / "log",
        program=program,
        config=config,
    )
    terraform.init({"path": str(tmp_path / "state")})
    return terraform


def test_a_root_is_planned_applied_and_destroyed(real: run.Terraform, root: Path) -> None:
    plan = real.plan()
    assert not plan.is_empty
    assert plan["terraform_data.this"].after == {"input": "hello", "triggers_replace": None}

    applied = real.apply()
    assert (applied.added, applied.changed, applied.removed) == (1, 0, 0)
    assert applied.outputs == {"text": "hello"}
    assert real.output() == {"text": "hello", "secret": "hidden"}
    assert real.plan().is_empty

    real._env["TF_VAR_text"] = "other"
    changed = real.plan()
    assert str(changed["terraform_data.this"]) == "terraform_data.this: update (input, output)"
    assert real.destroy().removed == 1
    assert real.output() == {}
    assert sorted(path.name for path in root.iterdir()) == ["main.tf"], "the root was written to"


def test_a_stored_plan_is_applied_as_it_is(real: run.Terraform, tmp_path: Path) -> None:
    real.plan(out=tmp_path / "stored.tfplan")
    del real._env["TF_VAR_text"]

    assert real.apply(tmp_path / "stored.tfplan").outputs == {"text": "hello"}


def test_a_plan_is_never_readable_by_others_not_even_while_it_is_written(real: run.Terraform, tmp_path: Path) -> None:
    """Terraform itself creates the file with all that the umask permits."""
    out = tmp_path / "kept" / "plan.tfplan"
    modes: set[int] = set()
    real._check = lambda: modes.add(stat.S_IMODE(out.stat().st_mode))
    before = os.umask(0)
    try:
        real.plan(out=out, on_event=lambda _: modes.add(stat.S_IMODE(out.stat().st_mode)))
        real.plan(out=out)
    finally:
        os.umask(before)

    assert modes | {stat.S_IMODE(out.stat().st_mode)} == {0o600}


def test_secrets_are_not_logged(real: run.Terraform) -> None:
    real.apply()
    real.output()

    logs = [file for file in real.log_dir.iterdir() if file.suffix != ".tfplan"]
    assert logs
    assert not [file.name for file in logs if "hidden" in file.read_text()]


def test_a_validation_that_fails_is_reported_with_file_and_message(real: run.Terraform) -> None:
    real._env["TF_VAR_text"] = "bad"

    with pytest.raises(run.TerraformError, match=r"\(main.tf:\d+\): Invalid value for variable\n  The text is bad"):
        real.plan()


def test_killing_its_starter_ends_terraform(real: run.Terraform, root: Path, tmp_path: Path) -> None:
    (root / "slow.tf").write_text(
        'resource "terraform_data" "slow" {\n  provisioner "local-exec" {\n    command = "sleep 60"\n  }\n}\n'
    )
    starter = textwrap.dedent(f"""
        import sys
        from pathlib import Path
        from harness.process import supervisor
        from harness.terraform.mirror import CliConfig
        from harness.terraform.run import Terraform
        supervisor.RUN = Path({str(tmp_path / "run")!r})
        config = CliConfig(Path({str(real.config.path)!r}), None, (), (), is_custom=True)
        Terraform(Path({str(root)!r}), env={{"TF_VAR_text": "x"}}, data_dir=Path({str(real.data_dir)!r}),
                  log_dir=Path({str(real.log_dir)!r}), program=Path({str(real.program)!r}), config=config).apply(
                  on_event=lambda event: print(event.type, flush=True))
    """)
    repository = str(Path(run.__file__).parents[2])
    with subprocess.Popen([sys.executable, "-c", starter], cwd=repository, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        while "apply_start" not in parent.stdout.readline():
            assert parent.poll() is None
        (leftover,) = supervisor.records()
        parent.kill()
    supervisor.clean_leftovers(orphaned_only=True)
    assert leftover.survivors() == []
    assert supervisor.records() == []
