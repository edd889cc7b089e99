"""The use cases: `create_invoice`, `change_invoice`, `decide_invoice`, `receive_payment` and `resolve_payment`. They import only the domain."""
