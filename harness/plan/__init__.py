"""Reading of Terraform plans.

| module | holds |
|---|---|
| `graph` | a plan as a graph: the resources that will exist, their changes, and their references |
| `resource` | one resource, its known and unknown values |
| `arn` | ARNs of functions, topics and queues, and the patterns that match them |
| `iam_policy` | the statements of IAM policies |
| `store` | stored plans of live folders |
"""
