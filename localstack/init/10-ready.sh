#!/bin/sh
# Runs inside the container when LocalStack is ready (its init hooks, stage ready.d): the first call of a service loads
# it, so the ones that every test needs are loaded here, and only then the health check holds.
set -eu
for call in "s3 ls" "lambda list-functions" "dynamodb list-tables" "apigateway get-rest-apis" "events list-event-buses"; do
    # shellcheck disable=SC2086 -- two words each, on purpose
    awslocal $call >/dev/null
done
touch /tmp/invoice-platform-ready
