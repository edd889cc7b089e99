"""API Gateway: request bodies that are not text."""

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
    """A body that is not text is rejected like any other invalid body.

    AWS: a body that does not pass validation is a 400 of the type BAD_REQUEST_BODY.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-method-request-validation.html
    LocalStack: status 500 with Python's error message, to which no gateway response applies.
    """

    @functools.wraps(original)
    def is_body_valid(*arguments: Any, **options: Any) -> bool:
        try:
            return bool(original(*arguments, **options))
        except UnicodeDecodeError:
            return False

    return staticmethod(is_body_valid)
