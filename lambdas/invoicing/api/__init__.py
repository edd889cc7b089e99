"""The HTTP API: routing, responses, request schemas and the OpenAPI description."""
