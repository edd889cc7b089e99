"""Application Auto Scaling's tags, which moto does not keep and Terraform reads back after every create.

AWS: https://docs.aws.amazon.com/autoscaling/application/APIReference/API_ListTagsForResource.html
"""

from typing import Any

from localstack.services.moto import call_moto

_tags: dict[str, dict[str, str]] = {}
"""Scalable target's ARN to its tags."""


def _register(context: Any, request: Any) -> Any:
    answer = call_moto(context)
    _tags.setdefault(answer["ScalableTargetARN"], {}).update(request.get("Tags") or {})
    return answer


def _tag(_context: Any, request: Any) -> dict[str, Any]:
    _tags.setdefault(request["ResourceARN"], {}).update(request["Tags"])
    return {}


def _untag(_context: Any, request: Any) -> dict[str, Any]:
    for key in request["TagKeys"]:
        _tags.get(request["ResourceARN"], {}).pop(key, None)
    return {}


def _list(_context: Any, request: Any) -> dict[str, Any]:
    return {"Tags": _tags.get(request["ResourceARN"], {})}


OWN = {
    "RegisterScalableTarget": _register,
    "TagResource": _tag,
    "UntagResource": _untag,
    "ListTagsForResource": _list,
}
"""Operation to what answers it."""
