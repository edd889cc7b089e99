"""``python -m harness.policy.page``: the table of rules in docs/policy.md, written from the rules themselves."""

from harness.paths import ROOT
from harness.policy import judge
from harness.policy.checkov import FAULTS
from harness.policy.rule import RULES, Rule

PAGE = ROOT / "docs" / "policy.md"

_HEAD = """# Policy rules

Written by `python -m harness.policy.page`; [policy/README.md](../policy/README.md) tells how the gate works.

*Where*: `source` is judged by checkov on rendered HCL, `plan` by our own code on `terraform show -json`. *Holds*:
everywhere, in `live` folders, in those that are whole `environments`, or in `prod`.
"""

_SCOPES = {"any": "everywhere", "tagged": "live", "live": "environments", "prod": "prod", "parliament": "everywhere"}


def page() -> str:
    """The whole page."""
    lines = [_HEAD, "| Rule | Severity | Where | Holds | What and why | Fix |", "|---|---|---|---|---|---|"]
    lines += [_row(rule) for _, rule in sorted(RULES.items())]
    lines += ["", "What the gate demands of itself (all critical or high, on every scan):", ""]
    lines += [f"- `{judge.UNREADABLE.id}` {judge.UNREADABLE.title}."]
    lines += [f"- `CKV_INV_{number:03}` {title}." for number, title in FAULTS.items()]
    return "\n".join(lines) + "\n"


def _row(rule: Rule) -> str:
    where = ", ".join({"hcl": "source", "plan": "plan"}[mode] for mode in sorted(rule.modes))
    cells = (
        f"[{rule.id}]({rule.guideline})",
        rule.severity.value,
        where,
        _SCOPES[rule.scope],
        f"**{rule.title}.** {rule.rationale}",
        rule.remedy,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
