"""S3: where objects are kept."""

import os
from typing import Any

from localstack.services.s3 import provider as s3

from emulation.patch import patches


@patches(s3, "DEFAULT_S3_TMP_DIR", needed=lambda original: not original.startswith(os.environ["HOST_FOLDER"]))
def own_storage(_original: Any) -> Any:
    """Objects are kept below the folder of this LocalStack, not in one that all of a computer share.

    AWS: a bucket's name is the account's that made it; other accounts' objects are out of reach.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    LocalStack: keeps objects of more than 512 KB in a folder of ``/tmp`` that is named after the bucket, as in a
    container of its own. Of two on one computer, the one that deletes its bucket takes the other's folder away, whose
    writes are answered with 500 from then on; and what was kept there stays when it has ended.
    """
    return f"{os.environ['HOST_FOLDER']}/s3"
