"""CSV uploads: from bytes to invoices, in parts with checkpoints, with a report and an archive."""
