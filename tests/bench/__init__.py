"""What the platform costs in time, each figure beside a floor that is measured in the same run."""
