"""What a judge says of a mutant."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MutantVerdict:
    """What a judge says of a mutant.

    Attributes:
        judge: ``specs``, ``gate``, ``terraform``, ``contract`` …; ``stillborn`` for a mutant that is no configuration.
        said: What turned red.
    """

    judge: str
    said: str

    @property
    def is_stillborn(self) -> bool:
        """Whether the mutant proves nothing."""
        return self.judge == "stillborn"
