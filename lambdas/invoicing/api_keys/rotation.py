"""The four steps of rotating the API's key, in Secrets Manager's protocol.

https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html

    secret's versions          first key      key 1        key 2        key 3
    made by Terraform          CURRENT
    1st rotation               PREVIOUS       CURRENT
    2nd rotation               disabled       PREVIOUS     CURRENT
    3rd rotation                              deleted      PREVIOUS     CURRENT

A key thus works from its own rotation to the next but one: clients have one whole period to change over. Terraform's
key is only disabled, for it is Terraform that made it and would make it again.

Secrets Manager repeats a rotation that failed with the same token, from the first step: each step looks for what it has
done before. Whatever stands between two steps when a function dies is found by its name or by the secret's labels.
"""

import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel, to_pascal

from invoicing.api_keys.gateway import ApiKey, ApiKeys
from invoicing.api_keys.secret_versions import CURRENT, PENDING, PREVIOUS, SecretVersions

Step = Literal["createSecret", "setSecret", "testSecret", "finishSecret"]

VALUE_BYTES = 30
"""Randomness of a key's value; as text it takes 40 characters, the length of those that API Gateway makes."""

NAME_TAIL = 8
"""Characters of the rotation's token at the end of a key's name."""


class RotationRefused(Exception):
    """A step cannot be done, and why; the rotation fails and the current key stays the current one."""


class RotationEvent(BaseModel):
    """What Secrets Manager invokes the function with; it may add members."""

    model_config = ConfigDict(alias_generator=to_pascal, frozen=True, extra="ignore")

    step: Step
    secret_id: Annotated[str, StringConstraints(min_length=1)]
    client_request_token: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{32,64}$")]


class KeySecret(BaseModel):
    """What a version of the secret holds."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    api_key_id: Annotated[str, StringConstraints(min_length=1)]
    api_key: Annotated[str, StringConstraints(min_length=20)]


class KeyRotation:
    """Rotates the key that one secret holds.

    Args:
        versions: The secret.
        keys: The API's keys.
        prefix: What the names of the keys begin with that rotations of this secret make.
    """

    def __init__(self, versions: SecretVersions, keys: ApiKeys, prefix: str) -> None:
        self._versions = versions
        self._keys = keys
        self._prefix = prefix
        self._ours = re.compile(rf"{re.escape(prefix)}-[A-Za-z0-9-]{{{NAME_TAIL}}}")

    def run(self, step: Step, token: str) -> None:
        """Do one step for the version that ``token`` names; doing it again changes nothing.

        Raises:
            RotationRefused: the token is not that of a rotation under way, or what an earlier step should have left is
                not there.
        """
        labels = self._versions.labelled()
        if labels is None:
            raise RotationRefused(f"Secret {self._versions.secret} is not set up for rotation: RotateSecret does that.")
        if CURRENT not in labels.get(token, ()) and PENDING not in labels.get(token, ()):
            known = ", ".join(sorted(version for version in labels if PENDING in labels[version])) or "none"
            detail = f"Version {token} of {self._versions.secret} is not being rotated to (pending: {known})."
            raise RotationRefused(
                f"{detail} A rotation that was overtaken or has ended needs nothing; start a new one."
            )
        steps: Mapping[Step, Callable[[str, Mapping[str, list[str]]], None]] = {
            "createSecret": self._create,
            "setSecret": self._set,
            "testSecret": self._test,
            "finishSecret": self._finish,
        }
        steps[step](token, labels)

    def _create(self, token: str, labels: Mapping[str, list[str]]) -> None:
        """Make the key, unless an earlier try did, and write it down as the pending version."""
        if CURRENT in labels[token] or self._held(token) is not None:
            return
        name = f"{self._prefix}-{token[:NAME_TAIL]}"
        made = next((key for key in self._keys.named(name) if key.name == name), None)
        if made is None:
            description = f"Made by the rotation {token}."
            made = self._keys.create(name, secrets.token_urlsafe(VALUE_BYTES), description)
        secret = KeySecret(api_key_id=made.key_id, api_key=made.value)
        self._versions.put_pending(token, json.dumps(secret.model_dump(by_alias=True)))

    def _set(self, token: str, _: Mapping[str, list[str]]) -> None:
        """Let the key open what the usage plan opens."""
        self._keys.join_plan(self._existing(token).key_id)

    def _test(self, token: str, _: Mapping[str, list[str]]) -> None:
        """Whether clients that take the secret's value will be let in."""
        key, wanted = self._existing(token), self._must_hold(token)
        if not key.enabled:
            raise RotationRefused(
                f"API key {key.key_id} ({key.name}) is disabled: enable or delete it, and rotate again."
            )
        if key.value != wanted.api_key:
            raise RotationRefused(f"API key {key.key_id} ({key.name}) has another value than version {token} holds.")
        if not self._keys.in_plan(key.key_id):
            raise RotationRefused(f"API key {key.key_id} ({key.name}) is not in usage plan {self._keys.usage_plan}.")

    def _finish(self, token: str, labels: Mapping[str, list[str]]) -> None:
        """Promote the new version, and retire every key but the new one and the one that it follows.

        The retiring comes first: once the new version is current, no label leads to what was the previous one before.
        """
        current = _labelled(labels, CURRENT)
        promoted = current == token
        follows = _labelled(labels, PREVIOUS) if promoted else current
        kept = {self._existing(token).key_id}
        if follows is not None and (held := self._held(follows)) is not None:
            kept.add(held.api_key_id)
        before = _labelled(labels, PREVIOUS)
        if not promoted and before is not None and (retired := self._held(before)) is not None:
            self._retire(retired.api_key_id, kept)
        for key in list(self._keys.named(f"{self._prefix}-")):
            if self._ours.fullmatch(key.name):
                self._retire(key.key_id, kept)
        if not promoted and current is not None:
            self._versions.promote(token, instead_of=current)

    def _retire(self, key_id: str, kept: set[str]) -> None:
        if key_id in kept or (key := self._keys.get(key_id)) is None:
            return
        self._keys.disable(key_id)
        if self._ours.fullmatch(key.name):
            self._keys.delete(key_id)

    def _held(self, version: str) -> KeySecret | None:
        """What a version holds, or None while it holds nothing."""
        text = self._versions.value(version)
        if text is None:
            return None
        try:
            return KeySecret.model_validate_json(text)
        except ValidationError as fault:
            missing = ", ".join(".".join(map(str, error["loc"])) or "JSON" for error in fault.errors())
            shape = '{"apiKeyId": ..., "apiKey": ...}'
            raise RotationRefused(
                f"Version {version} of {self._versions.secret} is not {shape} (fault in {missing}): put such a value."
            ) from None

    def _must_hold(self, token: str) -> KeySecret:
        held = self._held(token)
        if held is None:
            raise RotationRefused(
                f"Version {token} of {self._versions.secret} holds nothing yet: createSecret comes first."
            )
        return held

    def _existing(self, token: str) -> ApiKey:
        held = self._must_hold(token)
        key = self._keys.get(held.api_key_id)
        if key is None:
            raise RotationRefused(f"API key {held.api_key_id} of version {token} is gone: start a new rotation.")
        return key


def _labelled(labels: Mapping[str, list[str]], label: str) -> str | None:
    return next((version for version, found in labels.items() if label in found), None)
