"""Every root is valid, and the generated documentation of the modules is up to date."""

from pathlib import Path

import pytest

from harness.docs.module_readmes import refresh
from harness.paths import BUILD, ROOT
from harness.plan_tests.tftest_root import TftestRoot

ROOTS = sorted(folder for folder in (ROOT / "live").iterdir() if folder.is_dir())


@pytest.mark.parametrize("root", ROOTS, ids=lambda root: root.name)
def test_a_root_is_valid(root: Path) -> None:
    data = BUILD / "plan" / "roots" / root.name
    terraform = TftestRoot(root, data_dir=data / ".terraform", log_dir=data / "log")
    terraform.prepare()

    assert terraform.execute_command("validate", "-json").retcode == 0


def test_the_modules_readmes_are_up_to_date() -> None:
    assert not refresh(write=False), "generate them again: ./noxw -s docs"
