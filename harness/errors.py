"""Expected errors, shown to people without a traceback."""


class HarnessError(Exception):
    """An error that a person can fix: what happened and to what, then what to do next.

    Args:
        what: What happened, to what, in one line.
        remedy: What to do next, in one line or two.
    """

    def __init__(self, what: str, *, remedy: str) -> None:
        super().__init__(f"{what}\n{remedy}")
        self.what = what
        self.remedy = remedy
