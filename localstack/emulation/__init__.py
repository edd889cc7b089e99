"""What both engines share: the registry of patches, start-up and shutdown, and CloudWatch's metric math.

The package depends on the standard library only, because each engine runs in its own environment.
"""
