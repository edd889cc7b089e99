"""The event bus, and the schemas of what is published on it."""
