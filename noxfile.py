"""The menu of this repository: ``nox -l`` lists it, ``nox`` runs what needs no more than a laptop."""

import functools
import inspect
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nox

ROOT = Path(__file__).parent
BUILD = Path(os.environ.get("HARNESS_BUILD_DIR") or ROOT / "build")
MARKER = BUILD / ".created-by-invoice-platform"  # only a folder that has it is emptied by `clean`
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
LOCKS = tuple(PYPROJECT["dependency-groups"])
UNAUDITED = ("localstack", "localstack-functions", "oldest-boto3")  # old on purpose, and for tests only
PYTHON_FLOOR = PYPROJECT["project"]["requires-python"].removeprefix(">=")
SUITE = (
    "unit",
    "resilience",
    "lint",
    "types",
    "plan",
    "contract",
    "mutants",
    "policy",
    "policy-proof",
    "apply",
    "e2e",
    "engine",
)
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
IN_GROUPS = ("-n", "auto", "--dist", "loadgroup")  # pytest-xdist; the groups are in tests/conftest.py
APPLY_WORKERS = "6"  # more than there are cores: half of an apply is waiting
WORKERS = str(max(2, os.cpu_count() or 2))  # test processes: one for each core
MEASURED = (
    *("tests/unit/invoicing", "tests/unit/handlers", "-m", "not volume", "-n", WORKERS),
    *("--cov", "--cov-report=term"),
)
"""The functions' unit tests with their coverage; volume adds no line to it, and takes a third of the time."""
DEV: dict[str, str] = {}  # "bin": where the session `environment` installed the programs

HELP = {"-h", "--help"}
COMMANDS = {
    *("up", "down", "deploy", "rollback", "canary-drill", "smoke", "drift", "cost", "preview"),
    *("logs", "trace", "doctor", "package", "watch"),
}
"""The sessions that run one command of the harness, which has its own ``--help``."""

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True
nox.options.stop_on_first_error = False


def claim_build() -> None:
    """Mark the build folder as ours: one that is new or empty, or the checkout's own, which git ignores.

    A link may lead to somebody's files, even one in the checkout's own place.
    """
    own = BUILD == ROOT / "build" and not BUILD.is_symlink()
    if own or not BUILD.exists() or not any(BUILD.iterdir()):
        BUILD.mkdir(parents=True, exist_ok=True)
        MARKER.touch()


def install(session: nox.Session, lock: str) -> None:
    """Install one lock file, with hash checking."""
    session.install("--require-hashes", "--only-binary", ":all:", "-r", f"requirements/{lock}.txt", silent=True)


def harness(session: nox.Session, command: str) -> None:
    """Run one command of the harness with the session's arguments; after Ctrl-C it has a minute to stop.

    On AWS, and when `watch` hands over to Terraform, it has as long as it needs: Terraform is not ended before its
    state is written.
    """
    claim_build()
    install(session, "harness")
    if command in ("up", "deploy") and os.environ.get("HARNESS_ENGINE") == "localstack":
        session.run("python", "-m", "harness.engine")  # reports what is missing, a second of imports earlier
    environment = {"HARNESS_SESSION": session.name, "HARNESS_WATCH_PARENT": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    arguments = ("python", "-m", "harness", command, *session.posargs)
    on_aws = command in ("deploy", "preview", "rollback") and os.environ.get("HARNESS_ENGINE") == "aws"
    patience = None if on_aws or command == "watch" else 60
    session.run(*arguments, env=environment, interrupt_timeout=patience, terminate_timeout=patience)


def dev(session: nox.Session, *command: str, **environment: str) -> None:
    """Run a command in the environment of the session `environment`, which all test and lint sessions share."""
    claim_build()
    program, *arguments = command
    environment["PATH"] = os.pathsep.join([DEV["bin"], os.environ["PATH"]])
    session.run(
        *(str(Path(DEV["bin"]) / program), *arguments),
        env=environment,
        external=True,
        interrupt_timeout=60,
        terminate_timeout=60,
    )


def tests(session: nox.Session, *arguments: str, **environment: str) -> None:
    """Run pytest; its figures are written to build/results/<session>.json, and JUnit's to build/reports/junit/."""
    environment |= {"HARNESS_SESSION": session.name, "COVERAGE_FILE": str(BUILD / f"coverage/{session.name}")}
    if os.environ.get("HARNESS_ENGINE", "embedded") != "embedded":  # pytest would report what is missing too, but later
        dev(session, "python", "-m", "harness.engine")
    junit = f"--junit-xml={BUILD / 'reports' / 'junit' / session.name}.xml"
    dev(session, "pytest", junit, *arguments, *unwanted_plugins(session), *session.posargs, **environment)


def unwanted_plugins(session: nox.Session) -> tuple[str, ...]:
    """Options that keep schemathesis from loading: it costs each process over a second, and only e2e uses it."""
    return () if session.name == "e2e" else ("-p", "no:schemathesis")


def menu(**options: Any) -> Callable[[Callable[[nox.Session], None]], Any]:
    """`nox.session` for a session that explains itself instead of running: ``-- --help``."""

    def decorate(function: Callable[[nox.Session], None]) -> Any:
        @functools.wraps(function)
        def run(session: nox.Session) -> None:
            name = options.get("name", function.__name__)
            if not HELP.intersection(session.posargs):
                function(session)
            elif name in sys.argv or name == "suite":  # not one that another session requires
                explain(name, function)
                if name in COMMANDS:
                    function(session)

        return nox.session(**options)(run)

    return decorate


def explain(name: str, function: Callable[[nox.Session], None]) -> None:
    """Print what a session does, and what it takes."""
    print(f"\n./noxw -s {name}\n\n{inspect.getdoc(function)}\n")  # noqa: T201 -- what was asked for
    if "tests(session" in inspect.getsource(function):
        print("Arguments after -- go to pytest, such as: -- -k WORDS -x\n")  # noqa: T201 -- as above
    print("Exit code: 0 if it passed, 1 if not, 130 after Ctrl-C.\n")  # noqa: T201 -- as above


with_dev = functools.partial(menu, venv_backend="none", requires=["environment"])


@menu(default=False)
def environment(session: nox.Session) -> None:
    """The environment that the test and lint sessions share; they build it when they need it."""
    install(session, "dev")
    DEV["bin"] = session.bin


@menu(default=False)
def up(session: nox.Session) -> None:
    """Start the platform, upload a CSV, get PDFs: [-- --env dev --csv FILE --once --detach --port N|auto]."""
    harness(session, "up")


@menu(default=False)
def watch(session: nox.Session) -> None:
    """Publish what is saved in lambdas/ on a stack that was left running, at once: [-- --env dev --no-apply]."""
    harness(session, "watch")


@menu(default=False)
def down(session: nox.Session) -> None:
    """Stop everything that still runs, also what an interrupted run left."""
    harness(session, "down")


@menu(default=False)
def deploy(session: nox.Session) -> None:
    """Plan, judge the plan, confirm, apply, test: -- ENV [--canary PERCENT --yes --allow-destroy ADDRESS ...]."""
    harness(session, "deploy")


@menu(name="canary-drill", default=False)
def canary_drill(session: nox.Session) -> None:
    """Release twenty bad versions with a canary on a local engine: each must be taken back: [-- VERSION ...]."""
    harness(session, "canary-drill")


@menu(default=False)
def rollback(session: nox.Session) -> None:
    """Give callers of a deployed environment the versions before: -- ENV [FUNCTION ... --emergency]."""
    harness(session, "rollback")


@menu(default=False)
def smoke(session: nox.Session) -> None:
    """Test a deployed environment through its public doors, and delete what that created: -- ENV."""
    harness(session, "smoke")


@menu(default=False)
def sweep(session: nox.Session) -> None:
    """Heal invoices that wait because a record or an event was lost: -- ENV [--since DAY --changed FROM TO]."""
    harness(session, "sweep")


@menu(default=False)
def redrive(session: nox.Session) -> None:
    """Show what is in a dead-letter queue and why, and deliver it again: -- ENV FUNCTION|RULE [--list --yes]."""
    harness(session, "redrive")


@menu(default=False)
def restore(session: nox.Session) -> None:
    """Put the table back to an earlier time, under another name, and use it: -- ENV --to TIME | --back."""
    harness(session, "restore")


@menu(name="restore-objects", default=False)
def restore_objects(session: nox.Session) -> None:
    """Put objects of a bucket back to an earlier time: -- ENV documents|archives|uploads|state [PREFIX] --to TIME."""
    harness(session, "restore-objects")


@menu(name="restore-drill", default=False)
def restore_drill(session: nox.Session) -> None:
    """Damage a table of 100,000 items on the embedded engine, restore it, and bring it back: -- ENV [--items N]."""
    harness(session, "restore-drill")


@menu(name="revoke-key", default=False)
def revoke_key(session: nox.Session) -> None:
    """Rotate the API's key twice, so that a leaked one opens nothing any more: -- ENV."""
    harness(session, "revoke-key")


@menu(default=False)
def drift(session: nox.Session) -> None:
    """Show what differs between a deployed environment, its state, its Terraform and its account: -- ENV."""
    harness(session, "drift")


@menu(default=False)
def preview(session: nox.Session) -> None:
    """Copies of dev for pull requests, where dev runs: -- up NUMBER | down NUMBER | sweep [--older-than DAYS]."""
    harness(session, "preview")


@menu(default=False)
def cost(session: nox.Session) -> None:
    """Show what a deployed environment costs a month, idle and with 10,000 invoices: -- ENV [--measure]."""
    harness(session, "cost")


@menu(default=False)
def doctor(session: nox.Session) -> None:
    """Examine this computer: what is missing, what disturbs, each with its fix: [-- --json]."""
    harness(session, "doctor")


@menu(default=False)
def logs(session: nox.Session) -> None:
    """Show the log lines of all functions, merged: [-- FUNCTION ... --invoice ID --since 10m --follow --errors]."""
    harness(session, "logs")


@menu(default=False)
def trace(session: nox.Session) -> None:
    """Show the story of one invoice or upload over functions, table, events and S3: -- INVOICE|UPLOAD [--json]."""
    harness(session, "trace")


@with_dev(default=False)
def why(session: nox.Session) -> None:
    """Explain a refused call, and the Terraform that would grant it: [-- MESSAGE|- --env E --function F --json]."""
    dev(session, "python", "-m", "harness.iam", "why", *session.posargs)


@menu(default=False)
def package(session: nox.Session) -> None:
    """Build the zips of the functions and print their sizes: [-- --target aws|local]."""
    harness(session, "package")


@with_dev()
def suite(session: nox.Session) -> None:
    """Run all tests that need no more than a laptop, two sessions at a time, with one summary: [-- SESSION ...]."""
    try:
        dev(session, "python", "-u", "-m", "harness.suite", "--nox", sys.executable, *(session.posargs or SUITE))
    finally:
        dev(session, "python", "-m", "harness.report")


@with_dev(default=False)
def report(session: nox.Session) -> None:
    """Write build/report/index.html, one page that shows what was proven; each suite does it too: [-- --no-plan]."""
    dev(session, "python", "-m", "harness.report", *session.posargs)


@with_dev(default=False)
def lint(session: nox.Session) -> None:
    """Check style, spelling, formats (Python, Terraform, shell), workflows, and which room imports which."""
    dev(session, "ruff", "check")
    dev(session, "ruff", "format", "--check")
    dev(session, "codespell")
    dev(session, "zizmor", "--offline", "--no-progress", "--quiet", "--persona", "pedantic", ".github")
    workflows = sorted(str(file.relative_to(ROOT)) for file in (ROOT / ".github" / "workflows").glob("*.y*ml"))
    dev(session, "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    dev(session, "lint-imports", "--no-logo", PYTHONPATH=str(ROOT / "lambdas"))
    dev(session, "vulture")
    dev(session, "python", "-m", "harness", "fmt-check")
    dev(session, "python", "-m", "harness", "lint-terraform")


@menu(default=False)
def audit(session: nox.Session) -> None:
    """Compare every locked version with the known vulnerabilities; needs the network: [-- options of pip-audit]."""
    install(session, "audit")
    rejected = []
    for lock in sorted(set(LOCKS) - set(UNAUDITED)):  # one at a time: two locks may have two versions of one package
        options = (
            "--require-hashes",
            "--disable-pip",
            "--strict",
            "--progress-spinner",
            "off",
            "-r",
            f"requirements/{lock}.txt",
        )
        try:
            session.run("pip-audit", *options, *session.posargs)
        except nox.command.CommandFailed:
            rejected.append(lock)
    if rejected:
        session.error(f"these locks have known vulnerabilities, or could not be checked: {', '.join(rejected)}")


@with_dev(default=False)
def types(session: nox.Session) -> None:
    """Type-check the harness, the package invoicing and the engines' code with mypy, strictly."""
    dev(session, "mypy")


@with_dev(default=False)
def unit(session: nox.Session) -> None:
    """Test the package invoicing, the handlers and the harness, without an engine: [-- tests/unit/ROOM -k ...]."""
    paths = [] if any(argument.startswith("tests/") for argument in session.posargs) else ["tests/unit"]
    tests(session, *paths, "-n", WORKERS)


@with_dev(default=False)
def resilience(session: nox.Session) -> None:
    """Meet every call of the functions with every fault, and 10,000 orders of events: [-- --nights N]."""
    tests(session, "tests/resilience")


@with_dev(default=False)
def coverage(session: nox.Session) -> None:
    """Measure which lines and branches of the package invoicing its unit tests run: at least 95 %."""
    tests(session, *MEASURED)


@with_dev(default=False)
def quick(session: nox.Session) -> None:
    """Check in a minute what a change touches: lint, types, and the tests of its rooms: [-- --base REV]."""
    dev(session, "python", "-m", "harness.quick", *session.posargs)


@with_dev(name="unit-matrix", default=False)
def unit_matrix(session: nox.Session) -> None:
    """Run the unit tests on each other Python that this computer has: [-- PYTEST-ARGUMENT ...]. CI runs them too."""
    python = str(Path(DEV["bin"]) / "python")
    script = "import sys; from harness.engine import pythons; print(*sys.version_info[:2], sep='.')\n"
    script += "for version in sys.argv[1:]: print(pythons.find(version) or '')"
    output = session.run(python, "-c", script, *PYTHONS, silent=True, external=True)
    of_unit, *interpreters = str(output).splitlines()
    for version, interpreter in zip(PYTHONS, interpreters, strict=True):
        if version == of_unit:
            session.log(f"Python {version}: the session `unit` runs on it")
        elif not interpreter:
            session.warn(f"Python {version}: not tested, for this computer does not have it")
        else:
            unit_on(session, version, interpreter)


def unit_on(session: nox.Session, version: str, interpreter: str) -> None:
    """Run the unit tests in the environment of one Python; it is built when it is missing or its lock has changed."""
    folder = ROOT / ".nox" / f"unit-{version}"
    python = str(folder / "bin/python")
    dev(session, "uv", "venv", "--quiet", "--allow-existing", "--python", interpreter, str(folder))
    pinned = ("--require-hashes", "--only-binary", ":all:", "requirements/dev.txt")
    dev(session, "uv", "pip", "sync", "--quiet", "--python", python, *pinned)
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    arguments = ("tests/unit", "-n", WORKERS, *unwanted_plugins(session), *session.posargs)
    environment = {"HARNESS_SESSION": f"unit-{version}", "PATH": path}
    session.run(python, "-m", "pytest", *arguments, env=environment, external=True, interrupt_timeout=60)


@menu(name="unit-oldest-boto3", default=False)
def unit_oldest_boto3(session: nox.Session) -> None:
    """Measure `coverage` on the oldest boto3 that Lambda's Python may have: in CI, one run answers both."""
    install(session, "oldest-boto3")
    old = "ignore:datetime.datetime.utcnow:DeprecationWarning"  # that botocore calls it; Python 3.12 and later warn
    arguments = (*MEASURED, *unwanted_plugins(session), "-W", old, *session.posargs)
    environment = {"HARNESS_SESSION": session.name, "COVERAGE_FILE": str(BUILD / f"coverage/{session.name}")}
    session.run("pytest", *arguments, env=environment, interrupt_timeout=60)


@with_dev(default=False)
def plan(session: nox.Session) -> None:
    """Test what each module plans and which input it rejects: [-- tests/plan/MODULE --update-plans]."""
    tests(session, *([] if any(argument.startswith("tests/") for argument in session.posargs) else ["tests/plan"]))


@with_dev(default=False)
def contract(session: nox.Session) -> None:
    """Test that code and Terraform agree on settings, routes, indexes, events and times: [-- --update-table]."""
    tests(session, "tests/contract")


@with_dev(default=False)
def mutants(session: nox.Session) -> None:
    """Take ten safeguards out of the Terraform, one at a time, and change a hundred arguments of production's plan."""
    mutate_terraform(session, "--quick")


@with_dev(name="mutate-infra", default=False)
def mutate_infra(session: nox.Session) -> None:
    """Take out two safeguards of each kind, change every argument: [-- --generated --page --seed N --each N --all]."""
    mutate_terraform(session)


def mutate_terraform(session: nox.Session, *arguments: str) -> None:
    """Run the mutator of modules/ and live/; its score is written to build/results/<session>.json."""
    environment = {"HARNESS_SESSION": session.name, "HARNESS_WATCH_PARENT": "1"}
    dev(session, "python", "-m", "harness.mutation", *arguments, *session.posargs, **environment)


@with_dev(default=False)
def engine(session: nox.Session) -> None:
    """Test the embedded engine: its life cycle, its snapshots, and each of its patches."""
    tests(session, "tests/engine")


@with_dev(default=False)
def policy(session: nox.Session) -> None:
    """Check source and plan of every live folder and module example with checkov and our own rules."""
    dev(session, "python", "-m", "harness.policy", *session.posargs)


@with_dev(name="policy-proof", default=False)
def policy_proof(session: nox.Session) -> None:
    """Test the policy: each rule on a fixture that passes and one that fails; the ledger; the reports."""
    tests(session, "tests/policy")


@with_dev(default=False)
def apply(session: nox.Session) -> None:
    """Apply every live folder and module, expect an empty second plan, destroy, find nothing left; test `up`."""
    tests(session, "tests/apply", "-m", "not drill and not release", *IN_GROUPS, HARNESS_TEST_WORKERS=APPLY_WORKERS)


@with_dev(default=False)
def drills(session: nox.Session) -> None:
    """Test each runbook as written, deploys that the policy rejects, and an `up` that is killed. CI runs them too."""
    tests(session, "tests/apply", "-m", "drill", *IN_GROUPS, HARNESS_TEST_WORKERS=APPLY_WORKERS)


@with_dev(default=False)
def releases(session: nox.Session) -> None:
    """Release in stages and roll back on a running stack, as the runbook says: a bad version, a killed release."""
    tests(session, "tests/apply", "-m", "release")


@with_dev(default=False)
def roles(session: nox.Session) -> None:
    """Record what Terraform does to an account in each environment's life; deploy under the pipeline's roles."""
    tests(session, "tests/roles", *IN_GROUPS, HARNESS_TEST_WORKERS="2")


@with_dev(default=False)
def updates(session: nox.Session) -> None:
    """Change each argument that AWS can change in place, on production's stack, and change it back."""
    tests(session, "tests/updates")


@with_dev(default=False)
def e2e(session: nox.Session) -> None:
    """Test invoice flows on a stack that is applied once and cloned for each worker."""
    tests(session, "tests/e2e", *IN_GROUPS)


@with_dev(default=False)
def docs(session: nox.Session) -> None:
    """Write all that is generated: READMEs of modules, OpenAPI, models, policy, recorded calls, IAM: [-- --check]."""
    dev(session, "python", "-m", "harness", "docs", *session.posargs)
    lambdas = str(ROOT / "lambdas")
    dev(session, "python", "-m", "invoicing.api.openapi", *session.posargs, PYTHONPATH=lambdas)
    if "--check" not in session.posargs:  # tests check these
        dev(session, "python", "-m", "invoicing.api.request_schemas", PYTHONPATH=lambdas)
        dev(session, "python", "-m", "harness.policy.page")
        dev(session, "python", "-m", "harness.iam", "docs")


@menu(default=False)
def mutate(session: nox.Session) -> None:
    """Mutate amounts, statuses, payments and CSV; tests must kill 95 % of each module's mutants: [-- MODULE ...]."""
    install(session, "mutate")
    session.run("python", "-m", "harness.mutation.domain", *session.posargs)


@with_dev(default=False)
def bench(session: nox.Session) -> None:
    """Measure cold starts, PDFs, the import, decisions and the API, each beside its floor: [-- PART ...]."""
    dev(session, "python", "-m", "tests.bench", *session.posargs, PYTHONPATH=str(ROOT / "lambdas"))


@with_dev(default=False)
def scale(session: nox.Session) -> None:
    """Test 100,000 rows through the uploads bucket and 200 MB through the CSV reader: [-- --deselect ...]."""
    dev(session, "pytest", "tests/scale", *session.posargs)


@with_dev(default=False)
def localstack(session: nox.Session) -> None:
    """Test LocalStack without Docker: start-up, functions, patches (needs Python 3.13). CI runs it too."""
    tests(session, "tests/localstack")


@with_dev(default=False)
def conformance(session: nox.Session) -> None:
    """Compare every engine with AWS in what the platform relies on; a full run writes docs/engines.md."""
    tests(session, "tests/conformance")
    dev(session, "python", "-m", "tests.conformance.report")


@menu(default=False)
def lock(session: nox.Session) -> None:
    """Write requirements/*.txt from pyproject.toml: [-- --upgrade]."""
    install(session, "harness")
    for group in LOCKS:
        as_dev = ("--constraints", "requirements/dev.txt") if group == "harness" else ()  # one download serves both
        session.run(
            *("uv", "pip", "compile", "pyproject.toml", "--group", group, "--output-file", f"requirements/{group}.txt"),
            *as_dev,
            *("--universal", "--python-version", PYTHON_FLOOR, "--generate-hashes", "--no-emit-index-url", "--quiet"),
            *("--custom-compile-command", "nox -s lock", *session.posargs),
        )


@menu(default=False, venv_backend="none")
def clean(session: nox.Session) -> None:
    """Delete what runs have created (build/), but not the environments."""
    if not BUILD.exists():
        return
    if not MARKER.exists():
        session.error(f"no session has created {BUILD}, for it has no {MARKER.name}: delete it yourself if it may go")
    stacks = sorted(BUILD.glob("stack-*.json"))
    if stacks:
        session.error(f"a stack is running, according to {stacks[0].name}: stop it with nox -s down")
    for path in {*BUILD.glob("*")} - {MARKER}:
        session.log(f"removing {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


if __name__ == "__main__":
    sys.exit("Run this file with ./noxw, or with an installed nox.")
