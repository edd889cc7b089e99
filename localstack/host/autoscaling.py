"""Tags of Application Auto Scaling, which moto does not store and Terraform reads after every create.

AWS: https://docs.aws.amazon.com/autoscaling/application/APIReference/API_ListTagsForResource.html
"""

from typing import Any

from localstack.services.moto import call_moto

_tags: dict[str, dict[str, str]] = {}
"""Tags by the ARN of the scalable target."""


def _register(context: Any, request: Any) -> Any:
    response = call_moto(context)
    _tags.setdefault(response["ScalableTargetARN"], {}).update(request.get("Tags") or {})
    return response


def _tag(_context: Any, request: Any) -> dict[str, Any]:
    _tags.setdefault(request["ResourceARN"], {}).update(request["Tags"])
    return {}


def _untag(_context: Any, request: Any) -> dict[str, Any]:
    for key in request["TagKeys"]:
        _tags.get(request["ResourceARN"], {}).pop(key, None)
    return {}


def _list(_context: Any, request: Any) -> dict[str, Any]:
    return {"Tags": _tags.get(request["ResourceARN"], {})}


OPERATIONS = {
    "RegisterScalableTarget": _register,
    "TagResource": _tag,
    "UntagResource": _untag,
    "ListTagsForResource": _list,
}
"""Functions by the name of the operation that they serve."""
