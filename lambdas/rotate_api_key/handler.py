"""rotate-api-key: one step of rotating the API's key, as Secrets Manager requests it."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from invoicing.api_keys.gateway import ApiKeys
from invoicing.api_keys.rotation import KeyRotation, RotationEvent
from invoicing.api_keys.secret_versions import SecretVersions
from invoicing.runtime import settings
from invoicing.runtime.observability import correlate, count, logger, metrics, tracer

config = settings.RotateApiKeySettings.load()
keys = ApiKeys(config.api_name, config.usage_plan_id)


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> None:
    """Entry point. An exception fails the rotation: Secrets Manager reports it and tries again; the old key stays."""
    count("EventsReceived")
    request = RotationEvent.model_validate(event)
    correlate(request.client_request_token)
    rotation = KeyRotation(SecretVersions(request.secret_id), keys, config.api_key_prefix)
    rotation.run(request.step, request.client_request_token)
    count("RotationSteps")
    logger.info("Rotation step done", step=request.step, secret=request.secret_id, version=request.client_request_token)
