"""A live environment deployed on an engine: its life cycle, snapshot, description and logs."""
