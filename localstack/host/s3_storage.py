"""S3: the folder of stored objects."""

import os
from typing import Any

from localstack.services.s3 import provider as s3

from emulation.patch import patches


@patches(s3, "DEFAULT_S3_TMP_DIR", needed=lambda original: not original.startswith(os.environ["HOST_FOLDER"]))
def own_storage(_original: Any) -> Any:
    """Objects are stored below the folder of this LocalStack, not in a folder that all on a computer share.

    AWS: a bucket's name belongs to the account that created it; the objects of other accounts are out of reach.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    LocalStack: stores objects over 512 KB in a folder of ``/tmp`` that is named after the bucket, which suits a
    container. If two of them run on one computer and one deletes its bucket, the other loses its folder, and its writes
    fail with status 500 from then on. The files also remain after LocalStack has ended.
    """
    return f"{os.environ['HOST_FOLDER']}/s3"
