"""The rotation of the API key: its steps, its versions in Secrets Manager, and the keys in API Gateway."""
