"""How long tests wait for what must come: a limit against hanging, never a measurement.

A machine of CI may be five times slower than a laptop, and tests run side by side there. So a wait that ends by itself
when its event comes has a limit that no slow machine reaches; only a test of a limit sets a short one.
"""

from __future__ import annotations

HANG_S = 600.0
"""Seconds after which a process that a test started has hung."""

ARRIVAL_S = 120.0
"""Seconds after which an event that the test waits for (a message, a metric, a state) will not come any more."""
