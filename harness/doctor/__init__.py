"""What of this computer the harness needs, and what may disturb it: the command ``doctor``."""
