locals {
  _issuer = "token.actions.githubusercontent.com"
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = var.description
  max_session_duration = 3600
  tags                 = var.tags

  # Who may take the role: jobs of one repository, in one of GitHub's environments, that one workflow file defines. Each key
  # is in the token that GitHub signs for the job; AWS compares them all.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PipelineJobs"
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = var.oidc_provider_arn }
      Condition = {
        StringEquals = {
          "${local._issuer}:aud" = "sts.amazonaws.com"
          "${local._issuer}:sub" = "repo:${var.repository}:environment:${var.github_environment}"
        }
        StringLike = {
          "${local._issuer}:job_workflow_ref" = [for workflow in var.workflows : "${var.repository}/.github/workflows/${workflow}"]
        }
      }
    }]
  })
}

# A managed policy holds 6,144 characters, so there are several; a role has at most ten.
resource "aws_iam_policy" "this" {
  for_each = var.policies

  name = "${var.name}-${each.key}"
  tags = var.tags

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [for sid, statement in each.value : merge(
      { Sid = sid, Effect = "Allow", Action = statement.actions, Resource = statement.resources },
      length(statement.conditions) > 0 ? { Condition = statement.conditions } : {},
    )]
  })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = var.policies

  role       = aws_iam_role.this.name
  policy_arn = aws_iam_policy.this[each.key].arn
}
