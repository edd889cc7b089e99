"""The policy gate: rules, the two scans, the ledger of suppressions, one verdict.

Only the standard library is imported by `finding`, `rule`, `resource`, `planned` and `rules`: checkov, which runs in an
environment of its own, loads the very same rules.
"""
