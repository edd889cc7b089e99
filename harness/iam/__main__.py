"""The generated files of this room: the list of calls, and docs/iam.md.

``python -m harness.iam record`` writes the list from the last runs, ``page`` writes docs/iam.md, and ``docs`` writes
both; without two complete runs it leaves the list as it is. It also writes what Terraform does, from the last complete
recording of every environment: the list of calls, and the permissions of the pipeline's roles. ``why TEXT`` explains a
denial.
"""

import sys

from harness.access import pipeline_calls, recorded_calls
from harness.access.proof import ledger
from harness.console import expected_errors
from harness.errors import HarnessError
from harness.files import write_whole
from harness.iam import page, pipeline_page, pipeline_recording, why_command
from harness.iam.environments import planned, proof_of


def main(arguments: list[str]) -> int:
    """Run a command. Returns 0, or 1 with a line on standard error."""
    if arguments[:1] == ["why"]:
        with expected_errors():
            why_command.main(arguments[1:])
        return 0
    commands = {"record": _record, "page": _page, "docs": _docs}
    if len(arguments) != 1 or arguments[0] not in commands:
        sys.stderr.write(f"python -m harness.iam {' | '.join([*commands, 'why'])}\n")
        return 2
    try:
        commands[arguments[0]]()
    except HarnessError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _record() -> None:
    runs = {run: recorded_calls.seen_calls(run) for run in recorded_calls.RUNS}
    for run in runs:
        if not recorded_calls.complete_mark(run).exists():
            raise HarnessError(
                f"The last run of {run} was not complete, or not green.", remedy=f"./noxw -s {run}, and again."
            )
    recorded_calls.save(recorded_calls.merged(runs))


def _docs() -> None:
    try:
        _record()
    except HarnessError as error:
        name = recorded_calls.LIST.name
        sys.stdout.write(f"{name} stays as it is. {error.what} To record: ./noxw -s unit e2e docs\n")
    try:
        _record_pipeline()
    except HarnessError as error:
        name = pipeline_calls.LIST.name
        sys.stdout.write(f"{name} stays as it is. {error.what} To record: {pipeline_calls.FIX}\n")
    _page()


def _record_pipeline() -> None:
    rows = pipeline_recording.recorded_everywhere()
    pipeline_calls.save(rows)
    write_whole(pipeline_calls.PERMISSIONS, pipeline_calls.permissions_text(rows))


def _page() -> None:
    proofs = [proof_of(plan) for plan in planned()]
    page.PAGE.write_text(page.page(page.rows(proofs, ledger())), encoding="utf-8")
    pipeline_page.PAGE.write_text(pipeline_page.page(pipeline_calls.load()), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
