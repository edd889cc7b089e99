"""Code and infrastructure held against each other: what the code says, what a plan says, where the two differ.

Every check is a plain function of facts read from the code and facts read from a plan, and returns `Mismatch`es that
name both sides. Nothing here knows what an invoice is: tests/contract reads the facts from the code and says what was
meant.
"""
