"""The query-invoices function."""
