"""The versions of one secret in Secrets Manager: which is current, previous or pending, and their values."""

from typing import TYPE_CHECKING

from invoicing.runtime.aws import client

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

CURRENT, PREVIOUS, PENDING = "AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"
"""The staging labels that have a meaning in Secrets Manager; each is on at most one version."""


class SecretVersions:
    """Reads and writes the versions of one secret.

    Args:
        secret: The secret's ARN or name.
        secrets: A client to use instead of a new one.
    """

    def __init__(self, secret: str, secrets: "SecretsManagerClient | None" = None) -> None:
        self.secret = secret
        self._secrets = secrets or client("secretsmanager")

    def labels(self) -> dict[str, list[str]] | None:
        """The labels of each version that has any, by version id; None if rotation is turned off for the secret.

        While rotation is set up, Secrets Manager tests the function before it says that rotation is on, or off: an
        absent `RotationEnabled` is neither.
        https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html
        """
        response = self._secrets.describe_secret(SecretId=self.secret)
        return response.get("VersionIdsToStages", {}) if response.get("RotationEnabled", True) else None

    def value(self, version: str) -> str | None:
        """The value of a version, or None while it is empty, as it is at the start of a rotation."""
        try:
            return self._secrets.get_secret_value(SecretId=self.secret, VersionId=version)["SecretString"]
        except self._secrets.exceptions.ResourceNotFoundException:
            return None

    def put_pending(self, version: str, value: str) -> None:
        """Set the value of the pending version. The same value again changes nothing; another one is an error."""
        self._secrets.put_secret_value(
            SecretId=self.secret, ClientRequestToken=version, SecretString=value, VersionStages=[PENDING]
        )

    def promote(self, version: str, instead_of: str) -> None:
        """Make ``version`` the current one if ``instead_of`` still is; that becomes the previous one."""
        self._secrets.update_secret_version_stage(
            SecretId=self.secret, VersionStage=CURRENT, MoveToVersionId=version, RemoveFromVersionId=instead_of
        )
