"""IAM permissions, proven both ways: functions are granted all that they do, and do all that they are granted.

| module | purpose |
|---|---|
| `admission` | whether the resources' policies allow exactly the triggers and deliveries that a plan configures |
| `attribution` | which function a call belongs to, where several run in one process |
| `calls` | the permissions that a call to AWS needs |
| `environments` | the proofs of every live environment |
| `evaluate` | whether a policy allows a request |
| `grants` | the permissions that a plan grants |
| `kinds` | requests without the names that differ between runs |
| `page` | writes docs/iam.md |
| `proof` | compares what is used with what is granted |
| `recorded_calls` | the committed list of calls |
| `service_calls` | what Lambda itself does as a function's role |
| `session` | the pytest plug-in that records |
| `sources` | the ARNs on whose behalf AWS services call |
| `triggers` | the triggers and deliveries of a plan, and the policies of their targets |
| `watch` | records the calls of running handlers, or rejects them where an engine does not |

`calls`, `evaluate`, `kinds` and `watch` only need the standard library, because they run inside the functions' own
processes.
"""
