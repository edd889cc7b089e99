"""Release a version of the canary drill, or with ``base`` the code as it is: ``VERSION PERCENT`` (0: all at once).

It runs in a process of its own, because the build folder is chosen when the harness is imported.
"""

import shutil
import sys

from harness.console import expected_errors
from harness.deploy import canary_drill, pipeline
from harness.deploy.request import DeployRequest
from harness.paths import BUILD, ROOT


def main(version: str, percent: int) -> None:
    sources = BUILD / "release" / "lambdas"
    shutil.rmtree(sources, ignore_errors=True)
    shutil.copytree(ROOT / "lambdas", sources)
    if version != "base":
        canary_drill.versions([version])[0].apply(sources)
    request = DeployRequest("dev", confirm=lambda: True, full_gate=False, smoke=False, canary=percent, sources=sources)
    pipeline.deploy(request, port="auto")


if __name__ == "__main__":
    with expected_errors():
        main(sys.argv[1], int(sys.argv[2]))
