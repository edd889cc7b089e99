"""Secrets Manager: a rotation that is set up to begin later."""

import functools
import uuid
from typing import Any

from localstack.services.secretsmanager import provider  # noqa: F401 -- it patches moto's function, which is patched here
from moto.secretsmanager import models

from emulation.patch import patches, source_lacks


@patches(models, "SecretsManagerBackend.rotate_secret", needed=source_lacks("new_version_id = None"))
def rotation_later(original: Any) -> Any:
    """RotateSecret without ``RotateImmediately`` sets the rotation up and answers.

    AWS: tries the function out on a version that it removes again, and rotates in the next window.
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
    LocalStack: sets it up, then fails with status 500, because it answers a version that it did not make. (It still
    does not try the function out.)
    """

    @functools.wraps(original)
    def rotate_secret(self: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return original(self, *arguments, **options)
        except UnboundLocalError:  # the last line reads what only an immediate rotation has; all else is done
            secret = self.secrets[options.get("secret_id") or arguments[0]]
            return secret.to_short_dict(version_id=str(uuid.uuid4()))

    return rotate_secret
