"""Lambda: the concurrency of the account, of which functions may reserve all but 100."""

import json
import os
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import lambda_svc as lam

from emulation.patch import patches, source_has, source_lacks

UNRESERVED = 100
"""Executions that stay for the functions without a reservation; all of them in an account that has fewer."""


def account_limit() -> int:
    """The account's concurrent executions: 1,000, or as `EMBEDDED_ACCOUNT_CONCURRENCY` says."""
    return int(os.environ.get("EMBEDDED_ACCOUNT_CONCURRENCY", "1000"))


def _reserved(but: str = "") -> int:
    return sum(int(lam._functions[name].get("concurrency") or 0) for name in list(lam._functions) if name != but)


@patches(lam, "_get_account_settings", needed=source_has("_ACCOUNT_CONCURRENCY_CAP"))
def account_settings(original: Any) -> Any:
    """GetAccountSettings returns the account's limit, and what no function has reserved.

    AWS: https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
    MiniStack: returns a limit that depends on the computer's memory.
    """

    def get_account_settings() -> Any:
        status, headers, body = original()
        settings = json.loads(body)
        limits = {
            "ConcurrentExecutions": account_limit(),
            "UnreservedConcurrentExecutions": account_limit() - _reserved(),
        }
        settings["AccountLimit"].update(limits)
        return status, headers, json.dumps(settings).encode()

    return get_account_settings


@patches(lam, "_put_function_concurrency", needed=source_lacks("InvalidParameterValueException"))
def reservations(original: Any) -> Any:
    """A reservation that leaves too little unreserved is rejected.

    AWS: "You can reserve up to the Unreserved account concurrency value minus 100."
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    MiniStack: accepts any.
    """

    def put_function_concurrency(name: str, data: dict[str, Any]) -> Any:
        least = min(UNRESERVED, account_limit())
        requested = int(data.get("ReservedConcurrentExecutions") or 0)
        if name in lam._functions and requested and account_limit() - _reserved(but=name) - requested < least:
            message = (
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
                f"below its minimum value of [{least}]."
            )
            return error_response_json("InvalidParameterValueException", message, 400)
        return original(name, data)

    return put_function_concurrency
