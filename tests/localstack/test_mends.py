"""What the mends of LocalStack bring that neither the platform's own tests nor the conformance tests ask for."""

from pathlib import Path

import pytest

from harness.engine import pythons
from harness.engine.localstack_host import PYTHON, LocalStackHost
from tests.engine.cloud import Cloud, worker

pytestmark = pytest.mark.skipif(
    pythons.find(PYTHON) is None, reason=f"no Python {PYTHON} on PATH, under pyenv or known to uv: LocalStack needs it"
)

SHARED = Path("/tmp/localstack-s3-storage")
"""Where LocalStack keeps large objects by itself."""

LARGE = b"x" * 600_000
"""More than LocalStack holds in memory."""


def test_two_instances_may_have_buckets_of_one_name(cloud: Cloud) -> None:
    bucket = cloud.name("bucket")
    engine = LocalStackHost(f"host-other-{worker()}", port="auto")
    engine.start(tied=True)
    try:
        engine.wait_healthy()
        first, second = cloud.client("s3"), Cloud(engine).client("s3")
        for s3 in (first, second):
            s3.create_bucket(Bucket=bucket)
            s3.put_object(Bucket=bucket, Key="any", Body=b"")
        second.delete_object(Bucket=bucket, Key="any")
        second.delete_bucket(Bucket=bucket)
        first.put_object(Bucket=bucket, Key="large", Body=LARGE)
    finally:
        engine.stop()

    assert first.get_object(Bucket=bucket, Key="large")["Body"].read() == LARGE
    assert not (SHARED / bucket).exists()
