"""The dimensions of AWS's metrics that name resources, and which resources they name."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DimensionTarget:
    """The resources that a dimension names: by type and attribute, in one of AWS's namespaces."""

    namespace: str
    type: str
    attribute: str


NAMES = {
    "ApiName": DimensionTarget("AWS/ApiGateway", "aws_api_gateway_rest_api", "name"),
    "BucketName": DimensionTarget("AWS/S3", "aws_s3_bucket", "bucket"),
    "EventBusName": DimensionTarget("AWS/Events", "aws_cloudwatch_event_bus", "name"),
    "FunctionName": DimensionTarget("AWS/Lambda", "aws_lambda_function", "function_name"),
    "QueueName": DimensionTarget("AWS/SQS", "aws_sqs_queue", "name"),
    "RuleName": DimensionTarget("AWS/Events", "aws_cloudwatch_event_rule", "name"),
    "Stage": DimensionTarget("AWS/ApiGateway", "aws_api_gateway_stage", "stage_name"),
    "TableName": DimensionTarget("AWS/DynamoDB", "aws_dynamodb_table", "name"),
    "TopicName": DimensionTarget("AWS/SNS", "aws_sns_topic", "name"),
}
"""Dimensions that name resources."""
