"""The invoices table: conditional writes, claims, batches, queries with pagination, and the records of its stream."""
