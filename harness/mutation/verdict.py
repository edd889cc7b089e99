"""The verdict of a judge on a mutant."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MutantVerdict:
    """The verdict of a judge that noticed a mutant.

    Attributes:
        judge: ``source``, ``specs``, ``gate``, ``terraform`` or ``contract``; ``stillborn`` for a mutant that is not a
            valid configuration.
        message: What turned red.
    """

    judge: str
    message: str

    @property
    def is_stillborn(self) -> bool:
        """Whether the mutant proves nothing."""
        return self.judge == "stillborn"
