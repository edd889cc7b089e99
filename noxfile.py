"""The menu of this repository: ``nox -l`` lists it, ``nox`` runs what needs no more than a laptop."""

import functools
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import nox

ROOT = Path(__file__).parent
BUILD = Path(os.environ.get("HARNESS_BUILD_DIR") or ROOT / "build")
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
LOCKS = tuple(PYPROJECT["dependency-groups"])
PYTHON_FLOOR = PYPROJECT["project"]["requires-python"].removeprefix(">=")
MUTATED = ("totals", "status", "payments", "csv_bytes", "csv_text", "csv_import")
MUTANT_KILLERS = ("test_totals*.py", "test_status*.py", "test_payments*.py", "test_csv*.py")
# Files of 40 MB, and dialects that differ from others in what marks the encoding or ends a line: nothing of their own.
MUTANT_KILLERS_BUT = "not memory and not (every_dialect and (utf-8-sig or utf-16-be or crlf))"
MUTANTS_KILLED_PERCENT = 85
TYPED = ("harness", "lambdas/invoicing")
IN_GROUPS = ("-n", "auto", "--dist", "loadgroup")  # see tests/conftest.py
APPLYING = "6"  # at once, more than there are cores: applying is half waiting
DEV: dict[str, str] = {}

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True
nox.options.stop_on_first_error = False


def install(session: nox.Session, lock: str) -> None:
    """Install one lock file, every hash checked."""
    session.install("--require-hashes", "--only-binary", ":all:", "-r", f"requirements/{lock}.txt", silent=True)


def harness(session: nox.Session, verb: str) -> None:
    """Run one verb of the harness with the session's arguments, letting it stop in its own time on Ctrl-C."""
    install(session, "harness")
    if verb in ("up", "deploy") and os.environ.get("HARNESS_ENGINE") == "localstack":
        session.run("python", "-m", "harness.engine")  # tells what it lacks a second of imports earlier
    environment = {"HARNESS_SESSION": session.name, "HARNESS_WATCH_PARENT": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    session.run(
        "python", "-m", "harness", verb, *session.posargs, env=environment, interrupt_timeout=60, terminate_timeout=60
    )


def dev(session: nox.Session, *command: str, **environment: str) -> None:
    """Run a command in the environment that the session `environment` made: one for all who test, lint and prove."""
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
    """Run pytest, leaving the figures in build/results/<session>.json."""
    environment |= {"HARNESS_SESSION": session.name, "COVERAGE_FILE": str(BUILD / f"coverage/{session.name}")}
    if os.environ.get("HARNESS_ENGINE", "embedded") != "embedded":  # pytest tells what it lacks too, some imports later
        dev(session, "python", "-m", "harness.engine")
    dev(session, "pytest", *arguments, *unwanted_plugins(session), *session.posargs, **environment)


def unwanted_plugins(session: nox.Session) -> tuple[str, ...]:
    """The plugin of schemathesis takes every test process over a second to load, and one session uses it."""
    return () if session.name == "e2e" else ("-p", "no:schemathesis")


def workers() -> str:
    """As many test processes as there are cores, but at least two."""
    return str(max(2, os.cpu_count() or 2))


with_dev = functools.partial(nox.session, venv_backend="none", requires=["environment"])


@nox.session(default=False)
def environment(session: nox.Session) -> None:
    """What the sessions that test, lint and prove run in (they ask for it themselves)."""
    install(session, "dev")
    DEV["bin"] = session.bin


@nox.session(default=False)
def up(session: nox.Session) -> None:
    """The platform up, a CSV in, PDFs out: [-- --env dev --csv FILE --once --detach --port N|auto]."""
    harness(session, "up")


@nox.session(default=False)
def down(session: nox.Session) -> None:
    """Stop whatever runs or was left behind."""
    harness(session, "down")


@nox.session(default=False)
def deploy(session: nox.Session) -> None:
    """Plan, judge that very plan, show it, ask, apply it: -- ENV [--yes --allow-destroy ADDRESS ...]."""
    harness(session, "deploy")


@nox.session(default=False)
def logs(session: nox.Session) -> None:
    """The Lambdas' log lines, merged: [-- FUNCTION ... --since 10m --follow --errors]."""
    harness(session, "logs")


@nox.session(default=False)
def package(session: nox.Session) -> None:
    """Build the functions' zips and print their sizes: [-- --target aws|local]."""
    harness(session, "package")


@with_dev()
def lint(session: nox.Session) -> None:
    """Style and formatting of Python, Terraform and shell."""
    dev(session, "ruff", "check")
    dev(session, "ruff", "format", "--check")
    dev(session, "python", "-m", "harness", "fmt-check")
    dev(session, "python", "-m", "harness", "lint-terraform")


@with_dev()
def types(session: nox.Session) -> None:
    """Type-check the harness and the domain, strictly."""
    dev(session, "mypy", *TYPED)


@with_dev()
def unit(session: nox.Session) -> None:
    """The domain, the handlers and the harness, without an engine."""
    tests(session, "tests/unit", "-n", workers(), "--cov", "--cov-report=term")


@with_dev()
def plan(session: nox.Session) -> None:
    """What every module plans and refuses, without an engine: [-- tests/plan/MODULE --update-plans]."""
    tests(session, *([] if any(one.startswith("tests/") for one in session.posargs) else ["tests/plan"]))


@with_dev()
def contract(session: nox.Session) -> None:
    """Code and infrastructure agree: settings, handlers, routes, indexes, events, times: [-- --update-table]."""
    tests(session, "tests/contract")


@with_dev()
def mutants(session: nox.Session) -> None:
    """A seeded handful of safeguards taken out of the Terraform: something has to notice each."""
    mutate_terraform(session, "--quick")


@with_dev(name="mutate-infra", default=False)
def mutate_infra(session: nox.Session) -> None:
    """Safeguards taken out of the Terraform one at a time: [-- --seed N --each N --all --only PATTERN --list]."""
    mutate_terraform(session)


def mutate_terraform(session: nox.Session, *arguments: str) -> None:
    """Run the mutator of modules/ and live/, leaving the score in build/results/<session>.json."""
    figures = {"HARNESS_SESSION": session.name, "HARNESS_WATCH_PARENT": "1"}
    dev(session, "python", "-m", "harness.mutation", *arguments, *session.posargs, **figures)


@with_dev()
def engine(session: nox.Session) -> None:
    """The embedded engine: life cycle, snapshots, and each fix's behaviour."""
    tests(session, "tests/engine")


@with_dev()
def policy(session: nox.Session) -> None:
    """Source and plan of every live folder and module example, judged by checkov and by our own rules."""
    dev(session, "python", "-m", "harness.policy", *session.posargs)


@with_dev(name="policy-proof")
def policy_proof(session: nox.Session) -> None:
    """Every policy rule fails what it must: fixtures on both sides, the ledger, the reports."""
    tests(session, "tests/policy")


@with_dev()
def apply(session: nox.Session) -> None:
    """Every live environment and module: apply, second plan empty, destroy, nothing left; `up` as its user meets it."""
    tests(session, "tests/apply", "-m", "not drill", *IN_GROUPS, HARNESS_TEST_WORKERS=APPLYING)


@with_dev(default=False)
def drills(session: nox.Session) -> None:
    """Every runbook, typed as it stands; deploys that the gate refuses; an `up` that is killed. CI runs them too."""
    tests(session, "tests/apply", "-m", "drill", *IN_GROUPS, HARNESS_TEST_WORKERS=APPLYING)


@with_dev()
def e2e(session: nox.Session) -> None:
    """Invoice flows on a stack applied once and cloned per worker."""
    tests(session, "tests/e2e", *IN_GROUPS)


@with_dev(default=False)
def docs(session: nox.Session) -> None:
    """Write what is generated: modules' READMEs, the API's description and models, the policy: [-- --check]."""
    dev(session, "python", "-m", "harness", "docs", *session.posargs)
    domain = str(ROOT / "lambdas")
    dev(session, "python", "-m", "invoicing.api.openapi", *session.posargs, PYTHONPATH=domain)
    if "--check" not in session.posargs:  # tests compare these
        dev(session, "python", "-m", "invoicing.api.request_schemas", PYTHONPATH=domain)
        dev(session, "python", "-m", "harness.policy.page")


@nox.session(default=False)
def mutate(session: nox.Session) -> None:
    """How many mutants of totals, status and CSV the tests kill (of each at least 85 %): [-- MODULE ...]."""
    install(session, "mutate")
    modules = session.posargs or MUTATED
    if strange := [name for name in modules if not (ROOT / "lambdas" / "invoicing" / f"{name}.py").is_file()]:
        session.error(f"{strange[0]} is no module of lambdas/invoicing; those that count are {', '.join(MUTATED)}")
    room = BUILD / "mutate"
    started = time.monotonic()
    furnish(room, modules)
    with session.chdir(room):
        session.run("mutmut", "run", "--max-children", str(os.cpu_count() or 2))
        told = session.run("mutmut", "results", "--all", "true", silent=True) or ""
    verdicts = dict(line.strip().split(": ") for line in told.splitlines() if line.startswith("    invoicing."))
    figures = {module: killed(room, module, verdicts) for module in modules}
    whole = {count: sum(one[count] for one in figures.values()) for count in ("killed", "timeout", "total")}
    summary = {**whole, "score": score(whole), "seconds": round(time.monotonic() - started), "modules": figures}
    summary["not_killed"] = {mutant: verdict for mutant, verdict in verdicts.items() if verdict != "killed"}
    results = BUILD / "results" / "mutate.json"
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    for module, counts in figures.items():
        session.log(f"{module}: {counts['killed']} killed and {counts['timeout']} endless of {counts['total']}")
    session.log(f"{summary['score']} % of {whole['total']} mutants; those that survived are in {results}")
    if weak := [module for module, counts in figures.items() if counts["score"] < MUTANTS_KILLED_PERCENT]:
        few = f"of {', '.join(weak)} less than {MUTANTS_KILLED_PERCENT} % are killed"
        session.error(f"{few}: `mutmut show <survivor>` in {room} shows what to test")


def furnish(room: Path, modules: Sequence[str]) -> None:
    """Lay out what mutmut works on, afresh: the package, the tests that are to kill mutants, and the settings."""
    shutil.rmtree(room, ignore_errors=True)
    # mutmut knows a mutant by its module's name, so the package has to lie where it is imported from
    shutil.copytree(ROOT / "lambdas" / "invoicing", room / "invoicing", ignore=shutil.ignore_patterns("__pycache__"))
    (room / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "mutants" / "killers.py", room / "tests" / "conftest.py")
    for test in MUTANT_KILLERS:
        for file in (ROOT / "tests" / "unit" / "invoicing").glob(test):
            shutil.copy(file, room / "tests")
    settings = {
        "source_paths": ["invoicing"],
        "only_mutate": [f"invoicing/{module}.py" for module in modules],
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-k", MUTANT_KILLERS_BUT],
        "pytest_add_cli_args_test_selection": ["tests"],
        "timeout_constant": 20.0,  # fifteen times that, by the clock: tests/mutants ends what has no end long before
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    alone = ["[tool.pytest.ini_options]", "addopts = []"]  # else pytest goes up to the project's, and to its own paths
    (room / "pyproject.toml").write_text("\n".join(["[tool.mutmut]", *lines, *alone, ""]), encoding="utf-8")


def killed(room: Path, module: str, verdicts: dict[str, str]) -> dict[str, float]:
    """What became of one module's mutants, and the seconds that tests took for them, all processes together."""
    found = [verdict for mutant, verdict in verdicts.items() if mutant.split(".")[1] == module]
    counts = {"killed": found.count("killed"), "timeout": found.count("timeout"), "total": len(found)}
    took = json.loads((room / "mutants" / "invoicing" / f"{module}.py.meta").read_text(encoding="utf-8"))
    return {**counts, "score": score(counts), "seconds": round(sum(took["durations_by_key"].values()))}


def score(counts: dict[str, float]) -> float:
    """Percent of the mutants that tests noticed, by failing or by never coming to an end."""
    return round(100 * (counts["killed"] + counts["timeout"]) / counts["total"], 1)


@with_dev(default=False)
def scale(session: nox.Session) -> None:
    """A hundred thousand rows through the uploads bucket, 200 MB through the reader: [-- --deselect ...]."""
    dev(session, "pytest", "tests/scale", *session.posargs)


@with_dev(default=False)
def localstack(session: nox.Session) -> None:
    """Real LocalStack without Docker: start-up, functions, fixes (skipped without Python 3.13). CI runs it too."""
    tests(session, "tests/localstack")


@with_dev(default=False)
def conformance(session: nox.Session) -> None:
    """Ask every engine what the platform relies on, compare with AWS; if all is asked, write docs/engines.md."""
    tests(session, "tests/conformance")
    dev(session, "python", "-m", "tests.conformance.report")


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Refresh requirements/*.txt from pyproject.toml: [-- --upgrade]."""
    install(session, "harness")
    for group in LOCKS:
        session.run(
            *("uv", "pip", "compile", "pyproject.toml", "--group", group, "--output-file", f"requirements/{group}.txt"),
            *("--universal", "--python-version", PYTHON_FLOOR, "--generate-hashes", "--no-emit-index-url", "--quiet"),
            *("--custom-compile-command", "nox -s lock", *session.posargs),
        )


@nox.session(default=False, venv_backend="none")
def clean(session: nox.Session) -> None:
    """Delete what runs made (build/), keeping the environments."""
    running = sorted(BUILD.glob("stack-*.json"))
    if running:
        session.error(f"{running[0].name} says that a stack runs: nox -s down first")
    for path in BUILD.glob("*"):
        session.log(f"removing {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")
        shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    sys.exit("Run this with ./noxw, or with an installed nox.")
