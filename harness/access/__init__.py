"""Who may do what: the grants of functions, and the deliveries of AWS services, compared with what a plan allows.

| module | purpose |
|---|---|
| `admission` | whether the resources' policies allow exactly the triggers and deliveries that a plan configures |
| `grants` | the permissions that a plan grants |
| `kinds` | requests without the names that differ between runs |
| `mismatch` | something that is needed and not allowed, or allowed and not needed |
| `proof` | compares what is used with what is granted |
| `recorded_calls` | the committed list of calls |
| `service_calls` | what Lambda itself does as a function's role |
| `service_contexts` | the context keys that AWS sends with services' requests |
| `sources` | the ARNs on whose behalf AWS services call |
| `triggers` | the triggers and deliveries of a plan, and the policies of their targets |

`kinds` only needs the standard library, because it runs inside the functions' own processes.
"""
