"""Reading Terraform plans: resources, known and unknown values, ARNs, IAM policies, stored plans."""
