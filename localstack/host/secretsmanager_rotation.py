"""Secrets Manager: a rotation that begins later."""

import functools
import uuid
from typing import Any

from localstack.services.secretsmanager import provider  # noqa: F401 -- it patches moto's function too, and must do so first
from moto.secretsmanager import models

from emulation.patch import patches, source_lacks


@patches(models, "SecretsManagerBackend.rotate_secret", needed=source_lacks("new_version_id = None"))
def delayed_rotation(original: Any) -> Any:
    """RotateSecret without ``RotateImmediately`` configures the rotation and succeeds.

    AWS: tests the function on a version that it removes afterwards, and rotates in the next window.
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
    LocalStack: configures it, then fails with status 500, because it returns a version that it did not create. (Even
    with this patch it does not test the function.)
    """

    @functools.wraps(original)
    def rotate_secret(self: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return original(self, *arguments, **options)
        except UnboundLocalError:  # raised by the last line, which needs an immediate rotation; the rest is done
            secret = self.secrets[options.get("secret_id") or arguments[0]]
            return secret.to_short_dict(version_id=str(uuid.uuid4()))

    return rotate_secret
