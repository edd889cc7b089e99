"""A preview is judged as the environment that it is a copy of, which is a stranger to it."""

import json
from typing import Any

import pytest

from harness.paths import BUILD, ROOT
from harness.policy import plans
from harness.policy.gate import judge_plan
from harness.policy.offline_aws import WORKSPACE, offline_aws
from harness.policy.previews import STRANGER, as_original

COPY = f"dev-{WORKSPACE}"


@pytest.fixture(scope="module")
def preview() -> str:
    """The plan of a preview of dev, as JSON."""
    with offline_aws() as endpoint:
        work = BUILD / "policy" / "preview"
        planned = plans.plan_live_folder(ROOT / "live" / "dev", endpoint, work=work, preview=WORKSPACE)
    return json.dumps(planned.document)


def findings(document: str) -> list[str]:
    judged = judge_plan(as_original(json.loads(document), "dev", WORKSPACE), environment="dev")
    return sorted({f"{finding.rule_id} {finding.message}" for finding in judged})


def test_a_preview_of_dev_passes(preview: str) -> None:
    assert f"invoices-{COPY}" in preview
    assert findings(preview) == []


@pytest.mark.parametrize(
    ("of_copy", "of_dev"),
    [
        pytest.param(f"table/invoices-{COPY}", "table/invoices-dev", id="the table of a grant"),
        pytest.param(f'"TABLE_NAME": "invoices-{COPY}"', '"TABLE_NAME": "invoices-dev"', id="the table of a function"),
        pytest.param(f'"Environment": "{COPY}"', '"Environment": "dev"', id="the tag"),
        pytest.param(f"invoice-documents-{COPY}-", "invoice-documents-dev-", id="the bucket"),
    ],
)
def test_what_is_devs_is_a_strangers(preview: str, of_copy: str, of_dev: str) -> None:
    assert of_copy in preview

    assert findings(preview.replace(of_copy, of_dev))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("invoices-dev-pr-00001", "invoices-dev"),
        (
            "arn:aws:events:::rule/invoice-events-dev-pr-00001/invoice-paid",
            "arn:aws:events:::rule/invoice-events-dev/invoice-paid",
        ),
        ("invoices-dev", f"invoices-{STRANGER}"),
        ("invoices-dev-pr-00002", f"invoices-{STRANGER}-pr-00002"),
        ("user:Environment$dev-pr-00001", "user:Environment$dev"),
        ("dev", STRANGER),
        ("Northwind Invoicing (dev)", "Northwind Invoicing (dev)"),
        ("build/artifacts/dev/a.zip", "build/artifacts/dev/a.zip"),
        ("developers", "developers"),
    ],
)
def test_names_of_the_copy_are_read_as_the_environments(text: str, read: str) -> None:
    document: dict[str, Any] = {"resource_changes": [{"name": [text]}], "configuration": {"name": text}}

    assert as_original(document, "dev", WORKSPACE) == {
        "resource_changes": [{"name": [read]}], "configuration": {"name": text},
    }  # fmt: skip
