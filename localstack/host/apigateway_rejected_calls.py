"""API Gateway: calls that Lambda rejects."""

import functools
from typing import Any

from botocore.exceptions import ClientError
from localstack.services.apigateway.next_gen.execute_api.gateway_response import (
    IntegrationFailureError,
    InternalServerError,
)
from localstack.services.apigateway.next_gen.execute_api.integrations import aws

from emulation.patch import patches, source_lacks


@patches(aws, "RestApiAwsProxyIntegration.invoke", needed=source_lacks("TooManyRequestsException"))
def rejected_calls(original: Any) -> Any:
    """A call that Lambda rejects, for example by throttling, leads to status 500 and the type DEFAULT_5XX.

    AWS: "If the Lambda API rejects the invocation request, API Gateway returns a 500 error code."
    https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway-errors.html
    LocalStack: the type is INTEGRATION_FAILURE, an integration that could not be reached: status 504 by default.
    """

    @functools.wraps(original)
    def invoke(self: Any, context: Any) -> Any:
        try:
            return original(self, context)
        except IntegrationFailureError as failure:
            if isinstance(failure.__cause__, ClientError):
                raise InternalServerError("Internal server error", status_code=500) from failure
            raise

    return invoke
