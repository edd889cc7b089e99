"""The calls that LocalStack's services make to each other, through the port like everybody else.

LocalStack signs them with a secret that is a constant, and that everybody knows. Here it is random, so that nobody else
can make such a call. ``__main__`` imports this module before any that copies the constant.
"""

import secrets

import localstack.constants

secret = secrets.token_urlsafe(30)
"""What LocalStack's own calls are signed with. It leaves the process only in their signatures, never as it is."""

localstack.constants.INTERNAL_AWS_SECRET_ACCESS_KEY = secret
