"""DynamoDB items: conversion to and from Python types, and their size as DynamoDB counts it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

MAX_BYTES = 400 * 1024
"""DynamoDB's limit for one item, attribute names included."""

RESERVE = 8 * 1024
"""Bytes kept free in every new invoice for later payments and history entries."""

_SERIALIZER = TypeSerializer()
_DESERIALIZER = TypeDeserializer()


def encode(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item in DynamoDB's own notation."""
    return {name: _SERIALIZER.serialize(value) for name, value in item.items()}


def decode(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item in Python types; numbers are decimals."""
    return {name: _DESERIALIZER.deserialize(value) for name, value in item.items()}


def size(item: Mapping[str, Any]) -> int:
    """The size of the item in bytes, by the rules of DynamoDB's developer guide ("Item sizes and formats")."""
    return sum(len(name.encode()) + _size_of(value) for name, value in item.items())


def _size_of(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if value is None or isinstance(value, bool):
        return 1
    if isinstance(value, (int, Decimal)):
        return (len(Decimal(value).as_tuple().digits) + 1) // 2 + 2
    if isinstance(value, Mapping):
        return 3 + sum(1 + len(str(name).encode()) + _size_of(part) for name, part in value.items())
    return 3 + sum(1 + _size_of(part) for part in value)
