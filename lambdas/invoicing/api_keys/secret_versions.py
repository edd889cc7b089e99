"""One secret's versions in Secrets Manager: which is current, previous or pending, and what they hold."""

from typing import TYPE_CHECKING

from invoicing.runtime.aws import client

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"
"""The staging labels that Secrets Manager gives a meaning to; each is on one version at the most."""


class SecretVersions:
    """Reads and writes the versions of one secret.

    Args:
        secret: The secret's ARN or name.
        secrets: A client to use instead of a new one.
    """

    def __init__(self, secret: str, secrets: "SecretsManagerClient | None" = None) -> None:
        self.secret = secret
        self._secrets = secrets or client("secretsmanager")

    def labelled(self) -> dict[str, list[str]] | None:
        """The labels of each version that has any, by its id; None when the secret is not rotated at all."""
        described = self._secrets.describe_secret(SecretId=self.secret)
        return described.get("VersionIdsToStages", {}) if described.get("RotationEnabled") else None

    def value(self, version: str) -> str | None:
        """What a version holds, or None while it holds nothing: a rotation starts with an empty one."""
        try:
            return self._secrets.get_secret_value(SecretId=self.secret, VersionId=version)["SecretString"]
        except self._secrets.exceptions.ResourceNotFoundException:
            return None

    def put_pending(self, version: str, value: str) -> None:
        """Give the pending version its value; the same value again changes nothing, another one is refused."""
        self._secrets.put_secret_value(
            SecretId=self.secret, ClientRequestToken=version, SecretString=value, VersionStages=[PENDING]
        )

    def promote(self, version: str, instead_of: str) -> None:
        """Make ``version`` the current one, if ``instead_of`` still is; Secrets Manager makes that the previous one."""
        self._secrets.update_secret_version_stage(
            SecretId=self.secret, VersionStage=CURRENT, MoveToVersionId=version, RemoveFromVersionId=instead_of
        )
