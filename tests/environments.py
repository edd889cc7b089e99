"""The environment variables that Terraform sets for the functions, with values for tests."""

from invoicing.runtime import settings

VALUES = {
    "ALLOWED_ORIGINS": "*",
    "API_KEY_PREFIX": "invoice-api-key-dev",
    "API_NAME": "invoice-api-dev",
    "ARCHIVES_BUCKET": "archives",
    "BRAND_NAME": "Sample Trading",
    "CHANGED_VAT_ID": "hold",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/process-invoice-dev-dlq",
    "DOCUMENTS_BUCKET": "documents",
    "EVENT_BUS_NAME": "invoice-events-dev",
    "SECOND_CURRENCY": "hold",
    "SUSPECTED_DUPLICATE": "hold",
    "TABLE_NAME": "invoices-dev",
    "UPLOADS_BUCKET": "uploads",
    "USAGE_PLAN_ID": "plan",
}
"""A value for each required setting of any function."""

OTHER_VALUES = {"update_invoice_status": {"ALLOWED_ORIGINS": "https://app.example,https://b.example"}}
"""Values of single functions."""


def function_environment(function: str) -> dict[str, str]:
    """Exactly what Terraform sets for a function: a setting that it did not declare is missing."""
    model = getattr(settings, "".join(part.capitalize() for part in function.split("_")) + "Settings")
    required = [name.upper() for name, field in model.model_fields.items() if field.is_required()]
    unknown = sorted(set(required) - VALUES.keys())
    assert not unknown, f"give {unknown[0]} a value for unit tests in tests/environments.py: VALUES"
    return {name: VALUES[name] for name in required} | OTHER_VALUES.get(function, {})
