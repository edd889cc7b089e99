"""Expected faults, told to people without a traceback."""


class HarnessError(Exception):
    """Something that a person can mend: what happened and to what, then what to do next.

    Args:
        what: What happened, to what, in one line.
        mend: What to do next, in one line or two.
    """

    def __init__(self, what: str, *, mend: str) -> None:
        super().__init__(f"{what}\n{mend}")
        self.what = what
        self.mend = mend
