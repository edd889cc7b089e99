locals {
  # The names of what belongs to an environment, as policies have them. Previews are copies of dev in the workspaces
  # pr-00001 and so on: with a fixed length, no name of one environment is the beginning of another's.
  _environments = {
    dev     = { environment = "dev", folder = "dev", state = "dev" }
    preview = { environment = "dev-pr-?????", folder = "dev", state = "env:/pr-?????/dev" }
    prod    = { environment = "prod", folder = "prod", state = "prod" }
  }

  _purposes = { apply = "Deploys", drift = "Compares", plan = "Plans", preview = "Deploys and deletes" }

  # Each role, by its name: whose permissions it has, where, and for which jobs. No name ends like those of an environment's
  # resources, or a role could change itself.
  _pipeline_roles = var.repository == "" ? {} : merge(
    {
      for environment in ["dev", "prod"] : "${environment}-plan" => {
        may       = "plan"
        of        = environment
        jobs_of   = "${environment}-plan"
        workflows = ["plan.yml@refs/pull/*/merge", "deploy.yml@refs/heads/main"]
      }
    },
    {
      for environment in ["dev", "prod"] : "${environment}-drift" => {
        may       = "drift"
        of        = environment
        jobs_of   = "${environment}-plan"
        workflows = ["drift.yml@refs/heads/main"]
      }
    },
    {
      for environment in ["dev", "prod"] : "${environment}-apply" => {
        may       = "apply"
        of        = environment
        jobs_of   = environment
        workflows = ["deploy.yml@refs/heads/main"]
      }
    },
    {
      dev-preview = {
        may       = "preview"
        of        = "preview"
        jobs_of   = "preview"
        workflows = ["preview.yml@refs/pull/*/merge", "preview.yml@refs/heads/main"]
      }
    },
  )

  # What a role may do, with the names of its environment. A test holds the file against the calls that Terraform makes.
  _permissions = {
    for name, role in local._pipeline_roles : name => jsondecode(replace(replace(replace(replace(
      jsonencode(jsondecode(file("${path.module}/permissions.json"))[role.may]),
      "{account}", var.account_id),
      "{environment}", local._environments[role.of].environment),
      "{folder}", local._environments[role.of].folder),
    "{state}", local._environments[role.of].state))
  }
}

# GitHub signs a token for each job. AWS verifies it by the certificates of GitHub's address, so no thumbprint is pinned.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.repository == "" ? 0 : 1

  client_id_list = ["sts.amazonaws.com"]
  url            = "https://token.actions.githubusercontent.com"
}

module "pipeline_role" {
  source   = "../../modules/pipeline-role"
  for_each = local._pipeline_roles

  description        = "${local._purposes[each.value.may]} ${each.value.of}, from GitHub Actions."
  github_environment = each.value.jobs_of
  name               = "invoice-pipeline-${each.key}"
  oidc_provider_arn  = "arn:aws:iam::${var.account_id}:oidc-provider/token.actions.githubusercontent.com"
  policies           = local._permissions[each.key]
  repository         = var.repository
  workflows          = each.value.workflows

  depends_on = [aws_iam_openid_connect_provider.github]
}
