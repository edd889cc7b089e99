"""Compares code and infrastructure: facts read from the code, facts read from a plan, and where the two differ.

Every check is a plain function of facts from the code and facts from a plan. It yields `Mismatch`es that name both
sides. Nothing here knows what an invoice is: tests/contract reads the facts from the code and states what is meant.

| module | compares |
|---|---|
| `events` | events that are emitted ⇔ the rules that match them and their targets |
| `functions` | (reads the functions of a plan) |
| `metrics` | metrics that alarms and dashboards read ⇔ metrics that something writes |
| `mismatch` | (the difference itself, and how it is printed) |
| `patterns` | (evaluates EventBridge patterns) |
| `routes` | the API's routes: planned ⇔ served ⇔ described |
| `settings` | environment variables that the code reads ⇔ those that the plan provides |
| `source` | (reads a module's HCL for what no plan shows) |
| `tables` | keys and indexes ⇔ the requests that the code sends |
| `timing` | timeouts, retries and ages that have to fit each other |
| `triggers` | bucket notifications ⇔ the uploads that functions accept and the objects that they write |
"""
