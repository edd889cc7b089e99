"""Mutation testing: a safeguard is removed, and a test or rule must notice. One safeguard at a time.

| module | holds |
|---|---|
| `domain` | mutants of the package ``invoicing``, by mutmut (``nox -s mutate``) |
| `campaign` | mutants of the Terraform: the run, its score and its command line (``nox -s mutate-infra``) |
| `operators` | the kinds of edits, one for each safeguard |
| `edits` | single edits of Terraform files |
| `mutants` | mutants, each a copy of ``modules/`` and ``live/`` with one edit |
| `judges`, `contract` | what must notice a mutant: source checks, plan specs, the gate, the contract tests |
| `generated`, `open_values`, `provider_schema` | mutants of production's plan, generated from the provider's schema |
| `plan_judge`, `written_values`, `harmless` | what notices them, or why they do no harm |
| `plan_campaign` | their run, its score and docs/mutation.md |
| `verdict` | which judge noticed a mutant |
"""
