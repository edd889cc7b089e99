"""The command `deploy`: check the account, plan, judge the plan, show it, ask, and apply it."""
