"""The API key: its rotation, its versions in Secrets Manager and its copy in API Gateway."""
