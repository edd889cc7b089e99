"""What the functions do on AWS, recorded; `harness.access` compares it with what they are granted.

| module | purpose |
|---|---|
| `attribution` | which function a call belongs to, where several run in one process |
| `calls` | the permissions that a call to AWS needs |
| `environments` | the proofs of every live environment |
| `page` | writes docs/iam.md |
| `session` | the pytest plug-in that records |
| `watch` | records the calls of running handlers, or rejects them where an engine does not |

`calls` and `watch` only need the standard library, because they run inside the functions' own processes.
"""
