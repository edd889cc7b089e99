"""The use cases: `create_invoice`, `change_invoice` and `decide_invoice`. They import only the domain."""
