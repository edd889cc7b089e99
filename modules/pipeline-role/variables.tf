variable "description" {
  description = "What the role is for."
  type        = string
  nullable    = false

  validation {
    condition     = length(var.description) >= 1 && length(var.description) <= 1000
    error_message = "description has ${length(var.description)} characters: use 1 to 1000."
  }
}

variable "github_environment" {
  description = "The environment, in GitHub's settings of the repository, whose jobs may take the role."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.github_environment))
    error_message = "github_environment is \"${var.github_environment}\": use letters, digits, hyphens and underscores; a wildcard would admit other environments."
  }
}

variable "name" {
  description = "The role's name; its policies' names begin with it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.name))
    error_message = "name is \"${var.name}\": use 1 to 64 letters, digits and +=,.@_-"
  }
}

variable "oidc_provider_arn" {
  description = "The ARN of the account's identity provider for GitHub Actions."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/token\\.actions\\.githubusercontent\\.com$", var.oidc_provider_arn))
    error_message = "oidc_provider_arn is \"${var.oidc_provider_arn}\": give arn:aws:iam::<account>:oidc-provider/token.actions.githubusercontent.com."
  }
}

variable "policies" {
  description = "The statements of the role's policies, by policy and by Sid: actions, resources and conditions (test, then key, then values)."
  type = map(map(object({
    actions    = list(string)
    conditions = optional(map(map(list(string))), {})
    resources  = list(string)
  })))
  nullable = false

  validation {
    condition     = length(var.policies) >= 1 && length(var.policies) <= 10
    error_message = "policies has ${length(var.policies)} entries: a role has 1 to 10 managed policies."
  }

  validation {
    condition     = alltrue(flatten([for policy in var.policies : [for statement in policy : [for action in statement.actions : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))]]]))
    error_message = "policies grants ${join(", ", flatten([for policy in var.policies : [for statement in policy : [for action in statement.actions : action if !can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))]]]))}: name each action, such as s3:GetObject, without wildcards."
  }
}

variable "repository" {
  description = "The repository whose jobs may take the role, as OWNER/NAME."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository is \"${var.repository}\": give OWNER/NAME."
  }
}

variable "tags" {
  description = "Tags for every resource of this module, on top of the provider's default tags."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "workflows" {
  description = "The workflow files whose jobs may take the role, each with the reference that it is run from: deploy.yml@refs/heads/main."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.workflows) > 0 && alltrue([for workflow in var.workflows : can(regex("^[A-Za-z0-9_-]+\\.ya?ml@refs/(heads/[A-Za-z0-9._/-]+|pull/\\*/merge)$", workflow))])
    error_message = "workflows is [${join(", ", var.workflows)}]: give files such as deploy.yml@refs/heads/main, or plan.yml@refs/pull/*/merge for pull requests."
  }
}
