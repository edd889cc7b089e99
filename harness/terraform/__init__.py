"""Terraform: the program, the provider mirror, running commands, and reading modules and plans.

| module | purpose |
|---|---|
| `binary` | finds or downloads the Terraform program |
| `events` | reads the lines of Terraform's ``-json`` output |
| `failures` | turns a failed command into an error that a person can act on |
| `lint` | checks the style of modules and roots |
| `mirror` | decides where providers come from |
| `module` | reads a module's HCL |
| `plan` | reads a plan's JSON |
| `required_providers` | the providers that a module requires, and their versions |
| `run` | runs Terraform on a root |
| `unknown` | planned values that are known only after the apply |
"""
