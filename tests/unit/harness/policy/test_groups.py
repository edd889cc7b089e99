"""Findings are reported as they are fixed: once for each rule that a block breaks, whatever it has of instances."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.paths import ROOT
from harness.plan.graph import PlanGraph
from harness.policy import checkov, ledger, plans, report, scanning
from harness.policy.blocks import Blocks
from harness.policy.call_sites import written_at
from harness.policy.finding import Finding, Severity
from harness.policy.groups import WIDESPREAD, group
from harness.policy.plans import RejectedRoot
from harness.policy.rule import RULES
from harness.policy.rules import leaks
from harness.policy.verdict import GateVerdict, Suppression
from harness.terraform.events import Diagnostic
from harness.terraform.failures import TerraformError

BLOCK = "modules/s3-bucket/aws_s3_bucket_public_access_block.this"
BUCKETS = {"live/bootstrap": 2, "live/dev": 8, "live/prod": 12, "modules (examples)": 5}


def a_finding(rule: str = "CKV_INV_612", **changes: object) -> Finding:
    """A finding on a plan of dev."""
    finding = Finding(
        rule,
        Severity.CRITICAL if rule in RULES else Severity.MEDIUM,
        'module.invoice_platform.module.buckets["a"].aws_s3_bucket_public_access_block.this',
        None,
        None,
        f"{rule} is broken.",
        "Fix it.",
        "https://docs.aws.amazon.com/",
        "live/dev",
        "plan",
        BLOCK,
    )
    return replace(finding, **changes)  # type: ignore[arg-type]  # fields by name


def of_an_open_block() -> list[Finding]:
    """What one edit finds, `block_public_policy = false` in the module: ours and built-in checks, in each."""
    plans = [
        a_finding(rule, root=root, address=f"module.b[{number}].aws_s3_bucket_public_access_block.this")
        for rule in ("CKV_INV_612", "CKV_AWS_54", "CKV_AWS_2000")
        for root, buckets in BUCKETS.items()
        for number in range(buckets)
    ]
    return [*plans, *(a_finding("CKV_AWS_54", root=root, mode="hcl", file="x.tf", line=1) for root in BUCKETS)]


def lines(findings: Sequence[Finding]) -> list[str]:
    return [*report.all_described(group(findings))]


def test_one_edit_is_one_group_with_its_place_and_its_instances() -> None:
    findings = [replace(finding, file=None, line=None) for finding in of_an_open_block()]

    (only,) = group(Blocks().placed(findings))

    assert len(findings) > 80
    assert only.place.startswith("modules/s3-bucket/main.tf:")
    source = Path(only.place.partition(":")[0]).read_text(encoding="utf-8").splitlines()
    assert '"aws_s3_bucket_public_access_block" "this"' in source[int(only.place.partition(":")[2]) - 1]
    assert only.subject == "aws_s3_bucket_public_access_block.this"
    assert [(rule.id, rule.includes) for rule in only.rules] == [("CKV_INV_612", ("CKV_AWS_54",)), ("CKV_AWS_2000", ())]
    assert {root: len(addresses) for root, addresses in only.instances.items()} == BUCKETS
    assert len(lines(Blocks().placed(findings))) < 10


def test_the_fix_of_a_rule_is_printed_once() -> None:
    findings = [a_finding(definition=str(line), file=f"live/{line}.tf", line=1, message=str(line)) for line in range(3)]

    printed = lines(findings)

    assert sum(findings[0].remedy in line for line in printed) == 1
    assert sum("CKV_INV_612" in line for line in printed) == 3


def test_instances_are_counted_and_equal_roots_named_together() -> None:
    findings = [
        a_finding(root=root, address=f"aws_s3_bucket.b[{number}]")
        for root in ("live/dev", "live/prod")
        for number in range(4)
    ]

    assert lines(findings)[-1] == "    In live/dev, live/prod: aws_s3_bucket.b[0] and 3 more."


def test_a_built_in_check_that_our_rule_does_not_find_is_reported() -> None:
    (only,) = group([a_finding("CKV_AWS_54")])

    assert [rule.id for rule in only.rules] == ["CKV_AWS_54"]


def test_a_built_in_check_on_connections_belongs_to_the_rule_in_its_module() -> None:
    bucket = {"definition": "modules/s3-bucket/aws_s3_bucket.this"}
    here = a_finding("CKV2_AWS_6", address='module.invoice_platform.module.buckets["b"].aws_s3_bucket.this', **bucket)
    elsewhere = a_finding("CKV2_AWS_6", address="module.other.aws_s3_bucket.this", **bucket)

    (only,) = group([here, a_finding()])

    assert [(rule.id, rule.includes) for rule in only.rules] == [("CKV_INV_612", ("CKV2_AWS_6",))]
    assert only.subject == "aws_s3_bucket_public_access_block.this"
    assert [each.rules[0].id for each in group([elsewhere, a_finding()])] == ["CKV_INV_612", "CKV2_AWS_6"]


def test_the_same_message_in_one_file_is_one_group() -> None:
    findings = [a_finding(definition=str(line), file="live/dev/providers.tf", line=line) for line in (8, 17)]

    (only,) = group(findings)

    assert (only.place, only.subject) == ("live/dev/providers.tf:8", "and another block")
    assert "    Also at live/dev/providers.tf:17." in lines(findings)


def test_the_same_message_everywhere_is_one_group() -> None:
    findings = [
        a_finding("CKV_INV_101", definition=f"modules/m/aws_sqs_queue.q{number}", address=f"aws_sqs_queue.q{number}")
        for number in range(WIDESPREAD)
    ]

    assert len(group(findings[:-1])) == WIDESPREAD - 1
    (only,) = group(findings)
    assert only.subject == f"and {WIDESPREAD - 1} other blocks"
    assert len(only.others) == WIDESPREAD - 1
    assert len(lines(findings)) < 10


@pytest.mark.parametrize(
    "late",
    [
        a_finding("CKV_INV_901"),
        a_finding("CKV_INV_007", address=BLOCK, definition="", file="policy/suppressions.yaml", line=3, root=""),
    ],
    ids=lambda finding: finding.rule_id,
)
def test_what_the_fixes_change_is_held_back_until_then(late: Finding) -> None:
    (only,) = group([a_finding(), late])

    assert [rule.id for rule in only.rules] == ["CKV_INV_612"]
    assert only.held_back == {late.rule_id: 1}
    assert f"1 of {late.rule_id}" in lines([a_finding(), late])[-1]
    assert [each.rules[0].id for each in group([late])] == [late.rule_id]


@pytest.mark.parametrize(("module", "held"), [("modules/s3-bucket", {"CKV_INV_007": 1}), ("modules/s3", {}), ("", {})])
def test_a_suppression_is_kept_while_its_module_has_findings(module: str, held: dict[str, int]) -> None:
    address = f"{module}/aws_s3_bucket.this".lstrip("/")
    late = a_finding("CKV_INV_007", address=address, definition="", file="policy/suppressions.yaml", line=3, root="")

    first = group([late, a_finding()])[0]

    assert first.held_back == held


def test_the_report_in_json_names_what_is_held_back() -> None:
    body = report.body(GateVerdict([a_finding(), a_finding("CKV_INV_901")]))

    assert [each["held_back"] for each in json.loads(json.dumps(body))["to_fix"]] == [{"CKV_INV_901": 1}]


def test_findings_without_a_block_hold_nothing_back() -> None:
    whole_file = a_finding("CKV_INV_009", address="", definition="", file="live/prod/main_override.tf", line=1)
    unneeded = a_finding("CKV_INV_007", address="", definition="", file="policy/suppressions.yaml", line=3, root="")

    assert [each.held_back for each in group([whole_file, unneeded])] == [{}, {}]


def test_sarif_has_the_file_and_line_of_findings_on_plans() -> None:
    findings = Blocks().placed(finding for finding in of_an_open_block() if finding.mode == "plan")

    results = report.sarif(GateVerdict(findings))["runs"][0]["results"]

    assert [result["ruleId"] for result in results] == ["CKV_INV_612", "CKV_AWS_2000"]
    (place,) = results[0]["locations"]
    assert place["physicalLocation"]["artifactLocation"] == {"uri": "modules/s3-bucket/main.tf"}
    assert place["physicalLocation"]["region"]["startLine"] > 1
    assert len(place["logicalLocations"]) == sum(BUCKETS.values())


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ("modules/kms-key/aws_iam_policy_document.this", 'data "aws_iam_policy_document" "this"'),
        ("modules/lambda/aws_iam_role_policy.this#RESOURCE_MISMATCH:dynamodb:ListStreams", '"aws_iam_role_policy"'),
        ("live/dev/var.account_id", 'variable "account_id"'),
        ("live/dev/module.invoice_platform", 'module "invoice_platform"'),
    ],
)
def test_a_block_is_found_by_its_definition(definition: str, text: str) -> None:
    place = Blocks().place(definition)

    assert place
    assert text in Path(place[0]).read_text(encoding="utf-8").splitlines()[place[1] - 1]


def test_a_block_that_is_nowhere_has_no_place() -> None:
    assert Blocks().place("modules/s3-bucket/aws_s3_bucket.missing") is None
    assert Blocks().place("CKV2_AWS_70") is None


def rejected(root: str = "live/dev") -> list[Finding]:
    errors = [
        Diagnostic(
            "error", "Invalid value", "memory_size must be\n128 or more.", "", "../../modules/lambda/main.tf", 9
        ),
        Diagnostic("warning", "Deprecated", "", "", "main.tf", 1),
    ]
    error = TerraformError("Terraform cannot plan.", remedy="Look.", diagnostics=errors)
    return scanning.rejections(RejectedRoot(root, Path(root).absolute(), error))


def test_a_rejected_plan_is_reported_at_terraforms_file_and_line() -> None:
    both = [*rejected("live/dev"), *rejected("live/prod")]

    (only,) = group(both)

    assert only.place == "modules/lambda/main.tf:9"
    assert only.rules[0].messages == ("Invalid value: memory_size must be 128 or more.",)
    assert [*only.instances] == ["live/dev", "live/prod"]


def test_a_function_without_code_is_told_where_its_code_belongs() -> None:
    """Terraform says only that a zip is missing, which nobody writes by hand."""
    detail = 'Call to function "filesha256" failed: failed to open artifacts/check-health.zip:\nno such file.'
    error = Diagnostic("error", "Invalid function argument", detail, "", "../../modules/invoice-platform/code.tf", 3)
    failure = TerraformError("Terraform cannot plan.", remedy="Look.", diagnostics=[error])

    (finding,) = scanning.rejections(RejectedRoot("live/dev", Path("live/dev").absolute(), failure))

    assert "there is no lambdas/check_health/" in finding.remedy


def test_a_rejected_example_is_reported_at_its_readme() -> None:
    error = Diagnostic("error", "Invalid value", "It is.", "", "cases/case_3/lambda-example-7/main.tf", 4)
    failure = TerraformError("Terraform cannot plan.", remedy="Look.", diagnostics=[error])
    folder = plans.FOLDER / "examples"

    (placed,) = Blocks().placed(scanning.rejections(RejectedRoot(plans.EXAMPLES, folder, failure)))

    assert (placed.file, placed.line) == ("modules/lambda/README.md", 7)


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("build/policy/example-sources/lambda-example-7/main.tf", ("modules/lambda/README.md", 7)),
        ("modules/lambda/main.tf", ("modules/lambda/main.tf", 12)),
    ],
)
def test_what_checkov_finds_in_an_example_is_reported_at_its_readme(file: str, place: tuple[str, int]) -> None:
    failure = {
        "id": "CKV_AWS_1",
        "name": "A check",
        "address": "aws_sqs_queue.q",
        "file": str(ROOT / file),
        "line": 12,
        "details": ["It fails."],
        "guideline": "",
    }
    result = {"skipped": [], "resources": 1, "failed": [failure]}

    (found,) = checkov._findings(checkov.Job(plans.EXAMPLES, "hcl", ROOT), result)
    (placed,) = Blocks().placed([found])

    assert (placed.file, placed.line) == place


def test_a_plan_that_fails_without_diagnostics_is_reported_for_its_root() -> None:
    error = HarnessError("Terraform did not start.", remedy="Look.")

    (finding,) = scanning.rejections(RejectedRoot("live/dev", Path("live/dev"), error))

    assert (finding.root, finding.file, finding.message) == ("live/dev", None, "Terraform did not start.")


@pytest.mark.parametrize(
    ("roots", "mode", "unneeded"),
    [
        (("live/dev",), "", False),
        (("live/dev",), "plan", False),
        ((), "plan", False),
        ((), "", False),
        (("live/dev",), "hcl", True),
        (("live/prod",), "", True),
    ],
)
def test_a_suppression_is_kept_where_nothing_was_judged(roots: tuple[str, ...], mode: str, *, unneeded: bool) -> None:
    row = Suppression("CKV_INV_612", BLOCK, "r", "o", date(2026, 12, 31), roots, mode, 1)
    findings = rejected("live/dev")

    remaining, _ = ledger.apply(
        findings,
        [row],
        today=date(2026, 12, 1),
        rule_ids=frozenset({"CKV_INV_612"}),
        unjudged=scanning.unjudged(findings),
    )

    assert ("CKV_INV_007" in {finding.rule_id for finding in remaining}) is unneeded


def test_a_secret_in_a_tag_is_one_finding() -> None:
    tags = {"hook": "https://hooks.slack.com/services/T0000/B0000"}
    change: dict[str, Any] = {
        "actions": ["create"],
        "before": None,
        "after": {"name": "q", "tags": tags, "tags_all": tags},
    }
    entry = {"address": "aws_sqs_queue.q", "mode": "managed", "type": "aws_sqs_queue", "name": "q", "change": change}
    plan = PlanGraph({"format_version": "1.2", "resource_changes": [entry], "configuration": {"root_module": {}}})

    assert [message for _, message in leaks.no_secrets(plan)] == ["tags.hook holds a chat webhook."]

    del change["after"]["tags"]  # a tag of the provider is still one finding
    assert [message for _, message in leaks.no_secrets(PlanGraph(plan.document))] == [
        "tags_all.hook holds a chat webhook."
    ]


def test_an_output_that_aws_has_made_up_is_no_secret_of_the_source() -> None:
    key = "0123456789abcdef" * 2
    referring, written = (
        {"expression": each} for each in ({"references": ["module.api.api_key"]}, {"constant_value": key})
    )
    values = {"api_key": {"value": key, "sensitive": True}}

    def found(output: dict[str, Any]) -> list[str]:
        configuration = {"root_module": {"outputs": {"api_key": output}}}
        document = {"format_version": "1.2", "planned_values": {"outputs": values}, "configuration": configuration}
        return [address for address, _ in leaks.no_secrets(PlanGraph(document))]

    assert (found(referring), found(written)) == ([], ["output.api_key"])


def test_a_finding_names_the_line_on_which_a_caller_writes_the_statement() -> None:
    plan = PlanGraph(
        {
            "configuration": {
                "root_module": {
                    "module_calls": {
                        "invoice_platform": {
                            "source": "../../modules/invoice-platform",
                            "module": {"module_calls": {"function": {"source": "../lambda", "module": {}}}},
                        }
                    }
                }
            }
        },
        "prod",
        "live/prod",
    )
    address = 'module.invoice_platform.module.function["query-invoices"].aws_iam_role_policy.this'

    of_a_statement = written_at(
        plan, a_finding(address=address, message="Its statement QueryIndexes is wide."), Blocks()
    )
    of_an_argument = written_at(plan, a_finding(address=address, message="handler is x."), Blocks())
    of_a_variable = written_at(plan, a_finding(address=address, message="ALLOWED_ORIGINS lets in *."), Blocks())
    of_the_call = written_at(plan, a_finding(address=address, message="It is wide."), Blocks())

    for place, text in (
        (of_a_statement, "QueryIndexes = {"),
        (of_an_argument, "handler              = "),
        (of_a_variable, "ALLOWED_ORIGINS = "),
        (of_the_call, 'module "function"'),
    ):
        file, _, line = place.partition(":")
        assert file == "modules/invoice-platform/functions.tf"
        assert text in (ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
    assert not written_at(plan, a_finding(address="module.invoice_platform.aws_sns_topic.downstream"), Blocks())


def test_what_an_example_writes_is_at_its_readme() -> None:
    api = {"api": {"source": "../../../../../modules/api-gateway", "module": {}}}
    case = {"source": "./cases/case_5/api-gateway-example-7", "module": {"module_calls": api}}
    plan = PlanGraph({"configuration": {"root_module": {"module_calls": {"case_5": case}}}}, "", "examples")
    address = "module.case_5.module.api.aws_api_gateway_method.this"

    place = written_at(plan, a_finding(address=address, message="It is open."), Blocks())

    assert place == "modules/api-gateway/README.md:7"


def test_a_finding_names_the_line_of_the_entry_that_it_quotes() -> None:
    calls = {
        name: {"source": f"../{folder}", "module": {}}
        for name, folder in (("archives", "s3-bucket"), ("monitoring", "monitoring"), ("table", "dynamodb"))
    }
    platform = {"source": "../../modules/invoice-platform", "module": {"module_calls": calls}}
    plan = PlanGraph({"configuration": {"root_module": {"module_calls": {"platform": platform}}}}, "prod", "live/prod")
    expression = "IF(invocations > 0, 100 * errors / invocations, 0)"
    alarm = 'module.platform.module.monitoring.aws_cloudwatch_metric_alarm.this["function/get-invoice/%s"]'
    lifecycle = "module.platform.module.archives.aws_s3_bucket_lifecycle_configuration.this[0]"
    table = "module.platform.module.table.aws_dynamodb_table.this"

    for address, message, expected in (
        (lifecycle, 'Its rule "archive" deletes objects after 30 days.', "archive = { transitions"),
        (table, 'The index "status-index" has the hash_key "x".', '{ name = "status-index"'),
        (alarm % "errors", f'Its expression is "{expression}".', f'expression  = "{expression}"'),
        (alarm % "throttles", "It rings after 12 periods of 300 seconds.", '"function/${name}/throttles" = {'),
    ):
        file, _, line = written_at(plan, a_finding(address=address, message=message), Blocks()).partition(":")
        assert expected in (ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
