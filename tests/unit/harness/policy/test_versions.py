"""An alias may keep another version only during a release in stages, and share calls only with the published one."""

from typing import Any

import pytest

from harness.plan.graph import PlanGraph
from harness.policy.rules.versions import newest_version

STAGES = {"release": {"value": {"stable": {"get": "1"}, "weight": 0.1}}}


def findings(alias: dict[str, Any], variables: dict[str, Any], version: str | None = "2") -> list[str]:
    """The findings on an alias of the function ``get-dev``, which publishes a version; None is one not yet known."""
    unknown = {"version": True} if version is None else {}
    routed = [{"additional_version_weights": alias.pop("weights")}] if "weights" in alias else []
    after_unknown = {"routing_config": [{"additional_version_weights": True}]} if alias.pop("unknown", False) else {}
    values = {"name": "live", "function_name": "get-dev", "routing_config": routed, **alias}
    document = {
        "format_version": "1.2",
        "variables": variables,
        "resource_changes": [
            _created("aws_lambda_function", {"function_name": "get-dev", "version": version}, unknown),
            _created("aws_lambda_alias", values, after_unknown),
        ],
    }
    return [message for _, message in newest_version(PlanGraph(document))]


def _created(kind: str, after: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    change = {"actions": ["update"], "before": {}, "after": after, "after_unknown": unknown}
    return {"address": f"{kind}.this", "mode": "managed", "type": kind, "name": "this", "change": change}


@pytest.mark.parametrize(
    ("alias", "version"),
    [
        pytest.param({"function_version": "1", "weights": {"2": 0.1}}, "2", id="a share for the published version"),
        pytest.param({"function_version": "1", "unknown": True}, None, id="a share for the version of the apply"),
        pytest.param({"function_version": "1"}, "2", id="taken back"),
        pytest.param({"function_version": "1", "weights": {}}, "2", id="no weights"),
    ],
)
def test_a_release_in_stages_passes(alias: dict[str, Any], version: str | None) -> None:
    assert findings(alias, STAGES, version) == []


@pytest.mark.parametrize(
    ("alias", "variables", "message"),
    [
        pytest.param({"function_version": "1"}, {}, "function_version is", id="no release"),
        pytest.param({"function_version": "2", "weights": {"1": 0.5}}, {}, "routing_config", id="weights without one"),
        pytest.param({"function_version": "1", "weights": {"7": 0.5}}, STAGES, "routing_config", id="another version"),
        pytest.param({"function_version": "1", "unknown": True}, STAGES, "routing_config", id="an unknown version"),
        pytest.param({"function_version": "$LATEST"}, STAGES, "function_version is", id="unpublished"),
        pytest.param({"function_version": "3"}, STAGES, "function_version is", id="not the stable one"),
    ],
)
def test_any_other_version_is_a_finding(alias: dict[str, Any], variables: dict[str, Any], message: str) -> None:
    assert any(message in each for each in findings(alias, variables))
