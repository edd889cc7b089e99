"""Child processes: start, record, find and end them. Locks between processes."""
