"""The invoices table: items, conditional writes, claims, batches, queries and pagination."""
