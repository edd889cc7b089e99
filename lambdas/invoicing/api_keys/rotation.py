"""The four steps of rotating the API's key, in Secrets Manager's protocol.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html

    secret's versions          first key      key 1        key 2        key 3
    created by Terraform       CURRENT
    1st rotation               PREVIOUS       CURRENT
    2nd rotation               disabled       PREVIOUS     CURRENT
    3rd rotation                              deleted      PREVIOUS     CURRENT

A key is valid from its own rotation until the second one after it, so clients have a full period to change over. The
key that Terraform created is only disabled: if it were deleted, Terraform would create it again.

Secrets Manager repeats a failed rotation with the same token, from the first step, so each step checks what was done
before. If the function is killed between two steps, the key is found by its name or by the secret's labels.
"""

import json
import re
import secrets
import string
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel, to_pascal

from invoicing.api_keys.gateway import ApiKey, ApiKeys
from invoicing.api_keys.secret_versions import CURRENT, PENDING, PREVIOUS, SecretVersions

Step = Literal["createSecret", "setSecret", "testSecret", "finishSecret"]

VALUE_ALPHABET, VALUE_LENGTH = string.ascii_letters + string.digits, 40
"""A key's value is an alphanumeric string of 20 to 128 characters. Of these, 40 have 238 random bits.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
"""

NAME_TAIL = 8
"""Characters of the rotation's token at the end of a key's name."""


class RotationError(Exception):
    """A step cannot be done. The rotation fails, and the current key stays the current one."""


class RotationEvent(BaseModel):
    """The event of Secrets Manager, which may have more members."""

    model_config = ConfigDict(defer_build=True, alias_generator=to_pascal, frozen=True, extra="ignore")

    step: Step
    secret_id: Annotated[str, StringConstraints(min_length=1)]
    client_request_token: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{32,64}$")]


class KeySecret(BaseModel):
    """The value of a version of the secret."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    api_key_id: Annotated[str, StringConstraints(min_length=1)]
    api_key: Annotated[str, StringConstraints(min_length=20)]


class KeyRotation:
    """Rotates the key in one secret.

    Args:
        versions: The secret.
        keys: The API's keys.
        prefix: The prefix of the names of keys that rotations of this secret create.
    """

    def __init__(self, versions: SecretVersions, keys: ApiKeys, prefix: str) -> None:
        self._versions = versions
        self._keys = keys
        self._prefix = prefix
        self._own_name = re.compile(rf"{re.escape(prefix)}-[A-Za-z0-9-]{{{NAME_TAIL}}}")

    def run(self, step: Step, token: str) -> None:
        """Do one step for the version that ``token`` names. Doing it again changes nothing.

        Raises:
            RotationError: the token does not belong to a rotation in progress, or the result of an earlier step is
                missing.
        """
        labels = self._versions.labels()
        if labels is None:
            raise RotationError(f"Secret {self._versions.secret} is not set up for rotation. RotateSecret does that.")
        if CURRENT not in labels.get(token, ()) and PENDING not in labels.get(token, ()):
            pending = ", ".join(sorted(version for version in labels if PENDING in labels[version])) or "none"
            detail = f"Version {token} of {self._versions.secret} is not being rotated to (pending: {pending})."
            raise RotationError(
                f"{detail} If it was overtaken or has ended, nothing is left to do; otherwise start a new rotation."
            )
        steps: Mapping[Step, Callable[[str, Mapping[str, list[str]]], None]] = {
            "createSecret": self._create,
            "setSecret": self._set,
            "testSecret": self._test,
            "finishSecret": self._finish,
        }
        steps[step](token, labels)

    def _create(self, token: str, labels: Mapping[str, list[str]]) -> None:
        """Create the key, unless an earlier attempt did, and store it as the pending version."""
        if CURRENT in labels[token] or self._value_of(token) is not None:
            return
        name = f"{self._prefix}-{token[:NAME_TAIL]}"
        key = next((key for key in self._keys.with_prefix(name) if key.name == name), None)
        if key is None:
            description = f"Created by the rotation {token}."
            value = "".join(secrets.choice(VALUE_ALPHABET) for _ in range(VALUE_LENGTH))
            key = self._keys.create(name, value, description)
        secret = KeySecret(api_key_id=key.key_id, api_key=key.value)
        self._versions.put_pending(token, json.dumps(secret.model_dump(by_alias=True)))

    def _set(self, token: str, _: Mapping[str, list[str]]) -> None:
        """Add the key to the usage plan."""
        self._keys.join_plan(self._existing_key(token).key_id)

    def _test(self, token: str, _: Mapping[str, list[str]]) -> None:
        """Check that requests with the secret's new value will be accepted."""
        key, secret = self._existing_key(token), self._required_value(token)
        if not key.enabled:
            raise RotationError(
                f"API key {key.key_id} ({key.name}) is disabled. Enable or delete it, then rotate again."
            )
        if key.value != secret.api_key:
            raise RotationError(f"API key {key.key_id} ({key.name}) has another value than version {token}.")
        if not self._keys.in_plan(key.key_id):
            raise RotationError(f"API key {key.key_id} ({key.name}) is not in usage plan {self._keys.usage_plan}.")

    def _finish(self, token: str, labels: Mapping[str, list[str]]) -> None:
        """Promote the new version, and retire every key but the new one and the one before it.

        Keys are retired first: once the new version is current, no label leads to the former previous version.
        """
        current = _version_with(labels, CURRENT)
        promoted = current == token
        predecessor = _version_with(labels, PREVIOUS) if promoted else current
        kept = {self._existing_key(token).key_id}
        if predecessor is not None and (secret := self._value_of(predecessor)) is not None:
            kept.add(secret.api_key_id)
        previous = _version_with(labels, PREVIOUS)
        if not promoted and previous is not None and (retired := self._value_of(previous)) is not None:
            self._retire(retired.api_key_id, kept)
        for key in list(self._keys.with_prefix(f"{self._prefix}-")):
            if self._own_name.fullmatch(key.name):
                self._retire(key.key_id, kept)
        if not promoted and current is not None:
            self._versions.promote(token, instead_of=current)

    def _retire(self, key_id: str, kept: set[str]) -> None:
        if key_id in kept or (key := self._keys.get(key_id)) is None:
            return
        self._keys.disable(key_id)
        if self._own_name.fullmatch(key.name):
            self._keys.delete(key_id)

    def _value_of(self, version: str) -> KeySecret | None:
        """The value of a version, or None while it is empty."""
        text = self._versions.value(version)
        if text is None:
            return None
        try:
            return KeySecret.model_validate_json(text)
        except ValidationError as error:
            places = ", ".join(".".join(map(str, entry["loc"])) or "JSON" for entry in error.errors())
            shape = '{"apiKeyId": ..., "apiKey": ...}'
            raise RotationError(
                f"Version {version} of {self._versions.secret} is not {shape} (error in {places}). Store such a value."
            ) from None

    def _required_value(self, token: str) -> KeySecret:
        secret = self._value_of(token)
        if secret is None:
            raise RotationError(f"Version {token} of {self._versions.secret} is still empty: createSecret comes first.")
        return secret

    def _existing_key(self, token: str) -> ApiKey:
        secret = self._required_value(token)
        key = self._keys.get(secret.api_key_id)
        if key is None:
            raise RotationError(
                f"API key {secret.api_key_id} of version {token} no longer exists. Start a new rotation."
            )
        return key


def _version_with(labels: Mapping[str, list[str]], label: str) -> str | None:
    return next((version for version, names in labels.items() if label in names), None)
