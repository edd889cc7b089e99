"""The front of LocalStack: what ``admission.py`` rejects never reaches LocalStack.

It stands between the server and LocalStack's gateway, so it sees only what comes through the port. LocalStack itself
verifies no signature, and takes any key.

Services of LocalStack call each other through the port, too: see :mod:`host.internal_calls`.
"""

import hmac
import io
import logging
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from localstack.aws.accounts import get_account_id_from_access_key_id
from localstack.constants import AWS_REGION_US_EAST_1, DEFAULT_AWS_ACCOUNT_ID
from localstack.services.apigateway.models import apigateway_stores
from localstack.services.apigateway.next_gen.execute_api.integrations import aws
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from emulation.admission import Admission, Rejection, deployed_api, join_headers
from emulation.patch import patches, source_lacks
from emulation.sigv4 import Request, Signature
from host import internal_calls

HEALTH_PATH = "/_localstack/health"
_INTERNAL_HEADER = "x-host-internal"
_log = logging.getLogger("host.guard")


class LocalStackKeys:
    """The root user's key, and those that LocalStack's IAM and STS gave out.

    Args:
        access_key_id: The root user's key.
        secret_access_key: Its secret.
    """

    def __init__(self, access_key_id: str, secret_access_key: str) -> None:
        self._access_key_id = access_key_id
        self._secret = secret_access_key

    def is_root(self, access_key_id: str) -> bool:
        """Whether a key is the root user's."""
        return access_key_id == self._access_key_id

    def secrets_of(self, access_key_id: str, token: str) -> tuple[str, ...]:
        """The secrets for a key. The internal one goes with every key: LocalStack calls itself in others' names."""
        if access_key_id == self._access_key_id:
            return (self._secret, internal_calls.secret)
        account = get_account_id_from_access_key_id(access_key_id)
        role = sts_backends[account]["aws"].get_assumed_role_from_access_key(access_key_id)
        if role is not None:
            valid = hmac.compare_digest(role.session_token.encode(), token.encode())
            return (role.secret_access_key, internal_calls.secret) if valid else (internal_calls.secret,)
        user_keys = iam_backends[account]["aws"].get_all_access_keys_for_all_users()
        known = [key.secret_access_key for key in user_keys if key.access_key_id == access_key_id]
        return (*known, internal_calls.secret)


class Front:
    """A WSGI application in front of LocalStack's.

    Args:
        inner: LocalStack's.
        keys: The keys that it admits.
    """

    def __init__(self, inner: Callable[..., Iterable[bytes]], keys: LocalStackKeys) -> None:
        self._inner = inner
        self._admission = Admission(keys, HEALTH_PATH)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        uri = environ["RAW_URI"]
        path = uri.partition("?")[0] if uri.startswith("//") else urlsplit(uri).path  # as LocalStack's router does
        headers = join_headers(environ["rolo.headers"])
        request = Request(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), headers)
        rejection = self._check(request, environ)
        if rejection is None:
            return self._inner(environ, start_response)
        _log.warning("rejected %s %s: %s: %s", request.method, path, rejection.code, rejection.message)
        body = rejection.body()
        status = "404 Not Found" if rejection.code == "NotFoundException" else "403 Forbidden"
        start_response(status, [("Content-Type", rejection.content_type), ("Content-Length", str(len(body)))])
        return [body]

    def _check(self, request: Request, environ: dict[str, Any]) -> Rejection | None:
        internal = request.headers.get(_INTERNAL_HEADER, "")
        if hmac.compare_digest(internal.encode(), internal_calls.secret.encode()):
            return None
        verdict = self._admission.before_body(request)
        if isinstance(verdict, Signature):
            body = environ["wsgi.input"].read()
            environ["wsgi.input"] = io.BytesIO(body)
            return self._admission.with_body(request, verdict, body)
        invoked = deployed_api(request.path)
        if verdict is None and invoked is not None and not _is_deployed(*invoked):
            # LocalStack would take the request for one to another service, which its headers may name.
            return Rejection("NotFoundException", f"No API {invoked[0]} is deployed to a stage {invoked[1]}.")
        return verdict


def _is_deployed(api_id: str, stage: str) -> bool:
    deployments = apigateway_stores[DEFAULT_AWS_ACCOUNT_ID][AWS_REGION_US_EAST_1].active_deployments
    return stage in deployments.get(api_id, {})


@patches(aws, "get_internal_mocked_headers", needed=source_lacks("Signer", "SigV4Auth"))
def internal_header(original: Any) -> Any:
    """API Gateway's own requests to other services (integrations of the type AWS) pass the guard.

    AWS: does not apply.
    LocalStack: sends them with a signature that is a constant; see :mod:`host.guard`.
    """

    def get_internal_mocked_headers(*arguments: Any, **options: Any) -> dict[str, str]:
        return {**original(*arguments, **options), _INTERNAL_HEADER: internal_calls.secret}

    return get_internal_mocked_headers
