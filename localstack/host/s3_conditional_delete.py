"""S3: deleting an object only while it is the one that was read."""

import functools
import threading
from typing import Any

from localstack.aws.api.s3 import NoSuchKey, PreconditionFailed
from localstack.services.s3 import provider as s3

from emulation.patch import patches, source_has

_deciding = threading.Lock()
"""Held from the look at an object to its end, so that of two conditional deletes one finds it gone."""


@patches(s3, "S3Provider.delete_object", needed=source_has("raise NotImplementedException"))
def conditional_delete(original: Any) -> Any:
    """DeleteObject with ``If-Match`` deletes the current object if its ETag is that one, or if there is any for ``*``.

    AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html (412 if it is another, 404 if
    there is none; only the current version counts).
    LocalStack: knows the header of directory buckets only, and refuses it as not implemented.
    """

    @functools.wraps(original)
    def delete_object(self: Any, context: Any, bucket: str, key: str, *arguments: Any, **options: Any) -> Any:
        if_match = options.pop("if_match", None)
        if not if_match:
            return original(self, context, bucket, key, *arguments, **options)
        _, s3_bucket = self._get_cross_account_bucket(context, bucket)
        with _deciding:
            current = s3_bucket.objects.get(key)
            if current is None or isinstance(current, s3.S3DeleteMarker):
                raise NoSuchKey("The specified key does not exist.", Key=key)
            if if_match != "*" and if_match.strip('"') != current.etag.strip('"'):
                raise PreconditionFailed(
                    "At least one of the pre-conditions you specified did not hold", Condition="If-Match"
                )
            return original(self, context, bucket, key, *arguments, **options)

    return delete_object
