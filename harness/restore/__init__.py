"""A table restored to a point in time: put back as its Terraform describes it, and in use again.

``docs/runbooks/restore.md`` shows how to use it; ``docs/decisions/0017-restored-table.md`` has the reasons.
"""
