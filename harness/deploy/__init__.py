"""The command `deploy`: check the account, plan, judge the plan, show it, ask, apply it, and test the result."""
