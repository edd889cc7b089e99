"""Child processes: start, record, find and end them; locks."""
