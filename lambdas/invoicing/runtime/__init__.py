"""What every function needs at run time: AWS clients, settings, the clock, and logs."""
