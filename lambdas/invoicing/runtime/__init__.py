"""What every function needs at run time: AWS clients, settings, clock and logs."""
