"""IAM: wildcards of policies."""

import re
from functools import lru_cache
from typing import Any

from ministack.core import iam_evaluator

from emulation.patch import patches, source_lacks


@patches(iam_evaluator, "_fnmatch_compile", needed=source_lacks("DOTALL"))
def wildcards_match_line_breaks(original: Any) -> Any:
    """A wildcard stands for any characters, line breaks too: a key of S3 may hold them.

    AWS: "*" stands for "any combination of characters".
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    MiniStack: compiles ``.*`` without DOTALL, so that a grant for ``bucket/*`` does not reach such a key.
    """

    @lru_cache(maxsize=4096)
    def compiled(pattern: str, ignore_case: Any) -> re.Pattern[str]:
        found = original(pattern, ignore_case)
        return re.compile(rf"{found.pattern.removesuffix('$')}\Z", found.flags | re.DOTALL)

    return compiled
