"""``python -m harness.mutation``: mutate the Terraform; `harness.mutation.campaign` has the options."""

from harness.mutation.campaign import main

main()
