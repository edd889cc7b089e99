"""API Gateway: bodies that are no text."""

import functools
from typing import Any

from emulation.patch import patches, source_lacks
from host.apigateway_handlers import handlers


@patches(
    handlers("method_request"),
    "MethodRequestHandler._is_body_valid",
    needed=source_lacks("UnicodeDecodeError", "ValueError"),
)
def undecodable_body(original: Any) -> Any:
    """A body that is no text is refused like any other that its model does not allow.

    AWS: a body that does not pass validation is a 400 of the type BAD_REQUEST_BODY.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
    LocalStack: a 500 with Python's own words, which no gateway response shapes.
    """

    @functools.wraps(original)
    def is_body_valid(*arguments: Any, **options: Any) -> bool:
        try:
            return bool(original(*arguments, **options))
        except UnicodeDecodeError:
            return False

    return staticmethod(is_body_valid)
