#!/bin/sh
# Runs inside the container when LocalStack is ready (stage ready.d of its init hooks). The first call of a service loads
# the service. This script loads those that every test needs; after that the health check succeeds.
set -eu
for call in "s3 ls" "lambda list-functions" "dynamodb list-tables" "apigateway get-rest-apis" "events list-event-buses"; do
    # shellcheck disable=SC2086 -- two words each, on purpose
    awslocal $call >/dev/null
done
touch /tmp/invoice-platform-ready
