"""S3: deletion of an object on condition that it has not changed."""

import functools
import threading
from typing import Any

from localstack.aws.api.s3 import NoSuchKey, PreconditionFailed
from localstack.services.s3 import provider as s3

from emulation.patch import patches, source_has

_delete_lock = threading.Lock()
"""Held from the check of an object to its deletion, so that the second of two conditional deletes fails."""


@patches(s3, "S3Provider.delete_object", needed=source_has("raise NotImplementedException"))
def conditional_delete(original: Any) -> Any:
    """DeleteObject with ``If-Match`` deletes the object only if its ETag matches; ``*`` matches every existing object.

    AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html (412 for
    another ETag, 404 for a missing object; only the current version counts).
    LocalStack: rejects the header as not implemented, because it has it for directory buckets only.
    """

    @functools.wraps(original)
    def delete_object(self: Any, context: Any, bucket: str, key: str, *arguments: Any, **options: Any) -> Any:
        if_match = options.pop("if_match", None)
        if not if_match:
            return original(self, context, bucket, key, *arguments, **options)
        _, s3_bucket = self._get_cross_account_bucket(context, bucket)
        with _delete_lock:
            current = s3_bucket.objects.get(key)
            if current is None or isinstance(current, s3.S3DeleteMarker):
                raise NoSuchKey("The specified key does not exist.", Key=key)
            if if_match != "*" and if_match.strip('"') != current.etag.strip('"'):
                raise PreconditionFailed(
                    "At least one of the pre-conditions you specified did not hold", Condition="If-Match"
                )
            return original(self, context, bucket, key, *arguments, **options)

    return delete_object
