"""The use cases, one module each. They import only the domain."""
