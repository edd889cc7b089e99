"""Every AWS client is created here: short time-outs (a function has seconds), standard retries, signature version 4."""

from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_apigateway import APIGatewayClient
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient

CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 4},
    signature_version="v4",
    max_pool_connections=16,
    tcp_keepalive=True,
)


@overload
def client(service: Literal["dynamodb"]) -> "DynamoDBClient": ...
@overload
def client(service: Literal["s3"]) -> "S3Client": ...
@overload
def client(service: Literal["events"]) -> "EventBridgeClient": ...
@overload
def client(service: Literal["secretsmanager"]) -> "SecretsManagerClient": ...
@overload
def client(service: Literal["apigateway"]) -> "APIGatewayClient": ...
def client(service: Literal["dynamodb", "s3", "events", "secretsmanager", "apigateway"]) -> Any:
    """A client of ``service``; region, credentials and endpoint come from the standard AWS environment variables."""
    config = CONFIG.merge(Config(signature_version="s3v4")) if service == "s3" else CONFIG
    return boto3.client(service, config=config)
