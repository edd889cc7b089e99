"""The report: what it reads, what it shows, and that it is one page that loads nothing."""

import html.parser
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.paths import ROOT
from harness.plan.graph import PlanGraph
from harness.report import page
from harness.report.gather import Contents, differing_values, gather, runs, scores
from harness.report.graph import draw
from tests.patience import HANG_S

NOW = datetime(2026, 11, 29, 20, tzinfo=UTC)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next((program for name in BROWSERS if (program := shutil.which(name))), None)

UNIT = {"at": "2026-11-29T19:00:00+00:00", "passed": 3, "failed": 0, "exit_code": 0, "seconds": 5.0, "slowest": []}


def a_build(folder: Path, **results: Mapping[str, Any]) -> Path:
    (folder / "results").mkdir()
    for name, figures in results.items():
        (folder / "results" / f"{name}.json").write_text(json.dumps(figures), encoding="utf-8")
    return folder


def a_failed_suite(folder: Path) -> dict[str, Any]:
    log = folder / "unit.log"
    log.write_text("=== FAILURES ===\nE  <script>alert(1)</script> is wrong\n", encoding="utf-8")
    row = {"session": "unit", "seconds": 7.0, "exit_code": 1, "log": str(log)}
    return {
        "at": "2026-11-29T19:00:00+00:00",
        "sessions": [{"session": "lint", "seconds": 1.0, "exit_code": 0, "log": ""}, row],
    }


def a_plan() -> PlanGraph:
    """Two modules; the queue of one is named by the function of the other."""

    def resource(module: str, kind: str) -> dict[str, Any]:
        address = f"module.platform.module.{module}.{kind}.this"
        change = {"actions": ["create"], "before": None, "after": {}, "after_unknown": {}}
        return {
            "address": address,
            "module_address": f"module.platform.module.{module}",
            "mode": "managed",
            "type": kind,
            "name": "this",
            "change": change,
        }

    def block(kind: str, **expressions: Any) -> dict[str, Any]:
        return {"address": f"{kind}.this", "mode": "managed", "type": kind, "name": "this", "expressions": expressions}

    queue = {
        "module": {
            "resources": [block("aws_sqs_queue")],
            "outputs": {"arn": {"expression": {"references": ["aws_sqs_queue.this.arn", "aws_sqs_queue.this"]}}},
        }
    }
    function = {
        "expressions": {"queue": {"references": ["module.queue.arn", "module.queue"]}},
        "module": {
            "resources": [block("aws_lambda_function", dead={"references": ["var.queue"]})],
            "variables": {"queue": {}},
        },
    }
    platform = {"module": {"module_calls": {"queue": queue, "function": function}}}
    return PlanGraph(
        {
            "resource_changes": [resource("queue", "aws_sqs_queue"), resource("function", "aws_lambda_function")],
            "configuration": {"root_module": {"module_calls": {"platform": platform}}},
        },
        "dev",
        "live/dev",
    )


def test_the_suite_decides_what_ran_and_in_which_order(tmp_path: Path) -> None:
    found = runs({"smoke": {"outcome": "passed", "seconds": 2}, "unit": UNIT, "suite": a_failed_suite(tmp_path)})

    assert [(run.session, run.passed) for run in found] == [("lint", True), ("unit", False), ("smoke", True)]
    assert found[1].seconds == 7.0
    assert "is wrong" in found[1].log
    assert found[1].counts == {"passed": 3}


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_shown(tmp_path: Path) -> None:
    build = a_build(tmp_path, unit=UNIT)
    (build / "results" / "e2e.json").write_text("{", encoding="utf-8")

    contents = gather(build)

    assert [run.session for run in contents.runs] == ["unit"]
    assert contents.unreadable[0].startswith("e2e.json: ")


def test_the_scores_of_all_mutators_are_read() -> None:
    survivor = {"mutant": "drop", "file": "a.tf", "line": 3}
    terraform = {
        "mutants": 4,
        "score": 0.75,
        "survivors": [survivor],
        "categories": {"ACCESS": {"mutants": 4, "noticed": 3}},
    }
    generated = {"generated": {"mutants": 100, "rules_or_written_values": 0.99, "survivors": ["x"]}}
    module = {"killed": 9, "timeout": 1, "total": 10, "score": 100.0}
    code = {"killed": 9, "timeout": 1, "total": 10, "score": 100.0, "modules": {"totals": module}, "not_killed": {}}

    found = [*scores("mutants", terraform | generated), *scores("mutate", code)]

    assert [(score.part, score.mutants, score.share) for score in found] == [
        ("safeguards", 4, 0.75),
        ("safeguards: access", 4, 0.75),
        ("arguments of production", 100, 0.99),
        ("", 10, 1.0),
        ("totals", 10, 1.0),
    ]
    assert found[0].survivors == ["a.tf:3 drop"]


def test_only_settings_that_differ_are_compared(tmp_path: Path) -> None:
    for name, capacity in (("dev", 5), ("prod", 25)):
        (tmp_path / name).mkdir()
        extra = "deletion = true\n" if name == "prod" else ""
        (tmp_path / name / "terraform.tfvars").write_text(f'region = "x"\ntable = {{ read = {capacity} }}\n{extra}')

    assert differing_values(tmp_path) == (
        ["dev", "prod"],
        [("deletion", ["default", "True"]), ("table.read", ["5", "25"])],
    )


def test_the_values_of_the_live_folders_can_be_read() -> None:
    environments, values = differing_values(ROOT / "live")

    assert environments == ["dev", "prod"]
    assert ("table.read_capacity", ["5", "25"]) in [(name, [*row]) for name, row in values]


def test_a_picture_has_a_box_for_each_module_and_an_arrow_for_each_reference() -> None:
    picture = draw(a_plan())

    assert [box.name for box in picture.boxes] == ["function", "queue"]
    assert [(start.name, end.name) for start, end in picture.arrows] == [("function", "queue")]
    assert picture.resources == 2
    assert len({(box.left, box.top) for box in picture.boxes}) == 2


class Reader(html.parser.HTMLParser):
    """Collects ids, the targets of links, and whatever a browser would load."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            elif name == "href" and tag == "a" and value:
                self.links.append(value)
            elif name in {"src", "href", "srcset", "data", "action"} and value != "data:,":
                self.loaded.append(f"{tag} {name}={value}")


@pytest.fixture
def rendered(tmp_path: Path) -> str:
    build = a_build(tmp_path, unit=UNIT, suite=a_failed_suite(tmp_path))
    return page.render(gather(build), [draw(a_plan())], now=NOW)


def test_the_page_loads_nothing_and_its_links_lead_somewhere(rendered: str) -> None:
    reader = Reader()
    reader.feed(rendered)

    assert reader.loaded == []
    assert len(reader.ids) == len(set(reader.ids))
    assert {link.removeprefix("#") for link in reader.links} <= set(reader.ids)
    assert not re.search(r"@import|url\((?!#)", rendered)


def test_what_failed_is_shown_with_its_log_as_text_and_the_command(rendered: str) -> None:
    assert "1 of 2 sessions failed" in rendered
    assert "./noxw -s unit" in rendered
    assert "&lt;script&gt;alert(1)&lt;/script&gt; is wrong" in rendered
    assert "<script>alert" not in rendered


def test_without_any_run_the_page_says_what_writes_each_part() -> None:
    empty = Contents([], [], {}, [], [], [], ["dev"], [])

    text = page.render(empty, [], now=NOW)

    for command in ("./noxw -s policy", "./noxw -s contract", "./noxw -s mutants", "./noxw -s unit"):
        assert f"<code>{command}</code>" in text


def test_the_summary_of_a_job_has_a_row_for_each_session(tmp_path: Path) -> None:
    build = a_build(tmp_path, unit=UNIT, suite=a_failed_suite(tmp_path))

    rows = page.summary(gather(build)).splitlines()

    assert rows[2:] == [
        "| lint | ✓ passed | 1.0 s |  | `./noxw -s lint` |",
        "| unit | ✗ failed | 7.0 s | 3 | `./noxw -s unit` |",
    ]


@pytest.mark.parametrize(("seconds", "text"), [(None, "–"), (0.25, "0.2 s"), (48.2, "48 s"), (200.0, "3 min 20 s")])
def test_durations_are_for_people(seconds: float | None, text: str) -> None:
    assert page.duration(seconds) == text


def test_a_share_is_never_rounded_up_to_everything() -> None:
    assert [page.percent(share) for share in (1.0, 0.9999, 0.91)] == ["100 %", "99.9 %", "91 %"]


@pytest.mark.skipif(BROWSER is None, reason=f"no browser on PATH: one of {', '.join(BROWSERS)}")
def test_a_browser_runs_its_script_without_an_error(rendered: str, tmp_path: Path) -> None:
    file = page.write(rendered, tmp_path / "index.html")
    options = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}")
    logging = ("--enable-logging=stderr", "--v=0", "--virtual-time-budget=2000", "--dump-dom")

    run = subprocess.run(
        [str(BROWSER), *options, *logging, file.as_uri()], capture_output=True, text=True, timeout=HANG_S, check=True
    )

    assert not [line for line in run.stderr.splitlines() if "CONSOLE" in line]
    assert '<output for="filter-settings" data-count="settings">' in run.stdout
    assert re.search(r'data-count="settings">\d+ of \d+</output>', run.stdout)  # written by the script
