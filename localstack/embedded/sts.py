"""STS: the claims of a GitHub token, on which a role's trust may depend."""

from typing import Any

from ministack.services import cognito, sts

from emulation.patch import patches, source_has

_GITHUB = "token.actions.githubusercontent.com"
_CLAIMS = (
    *("actor", "actor_id", "enterprise_id", "environment", "job_workflow_ref"),
    *("ref", "repository", "repository_id", "workflow"),
)


@patches(sts, "_web_identity_principal", needed=source_has('in ("aud", "sub", "amr")'))
def github_claims(original: Any) -> Any:
    """The trust of a role may depend on the claims of a GitHub token, such as its workflow.

    AWS: "AWS STS now supports validation of select identity provider specific claims from Google, GitHub, …"
    https://aws.amazon.com/about-aws/whats-new/2026/01/aws-sts-supports-validation-identity-provider-claims/
    MiniStack: knows aud, sub and amr. Like MiniStack, this does not verify who has signed the token.
    """

    def principal(token: str, provider_id: str, role_arn: str) -> Any:
        provider, keys = original(token, provider_id, role_arn)
        if not provider.endswith(f"/{_GITHUB}"):
            return provider, keys
        claims = cognito._decode_id_token_unverified(token)
        return provider, {**keys, **{f"{_GITHUB}:{name}": claims[name] for name in _CLAIMS if name in claims}}

    return principal
