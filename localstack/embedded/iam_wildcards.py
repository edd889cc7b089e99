"""IAM: wildcards in policies."""

import re
from functools import lru_cache
from typing import Any

from ministack.core import iam_evaluator

from emulation.patch import patches, source_lacks


@patches(iam_evaluator, "_fnmatch_compile", needed=source_lacks("DOTALL"))
def wildcard_line_breaks(original: Any) -> Any:
    """A wildcard matches any characters, also line breaks, which a key in S3 may contain.

    AWS: "*" stands for "any combination of characters".
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    MiniStack: compiles ``.*`` without DOTALL, so that a permission for ``bucket/*`` does not cover such a key.
    """

    @lru_cache(maxsize=4096)
    def compiled(pattern: str, ignore_case: Any) -> re.Pattern[str]:
        regex = original(pattern, ignore_case)
        return re.compile(rf"{regex.pattern.removesuffix('$')}\Z", regex.flags | re.DOTALL)

    return compiled
