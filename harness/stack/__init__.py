"""An environment on a local engine: deployment, description, life cycle, snapshots, logs and a walk through it."""
