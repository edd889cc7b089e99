"""The policy gate: rules, two scans (source and plans), the ledger of suppressions, and one verdict.

| module | holds |
|---|---|
| `rules/` | the judgements of all rules, one module per subject |
| `rule` | what a rule is, where it holds, and the register of all rules |
| `finding` | what the gate reports about a resource |
| `gate` | the gate's two functions: judge a plan, scan the repository |
| `judge` | the plan rules on one plan |
| `scanning` | the scan of the repository |
| `checkov` | the run of checkov and parliament in their own environment |
| `plans`, `offline_aws` | the plans to judge, made without an engine or an account |
| `blocks`, `groups` | the file and line of a finding's block; findings by the block that has to be fixed |
| `ledger`, `verdict` | suppressions, and what remains to be fixed |
| `report`, `page` | the verdict and the rules for people and programs |
| `fixtures` | the rules' fixtures: what passes and what fails each rule |
| `unplanned`, `source_code`, `promises`, `deployment_source` | checks of source that no plan can answer |

checkov runs in its own environment and loads the same rules. So `finding`, `rule`, `rules` and what they use of
`harness.plan` and `harness.terraform` import only the standard library.
"""
