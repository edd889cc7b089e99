"""Why a call was refused: the statement, the condition or the missing grant, and the Terraform that would grant it.

The answer comes from the plan of the environment: the statements of the function's role, the policies of resources, and
the calls that tests have seen (tests/contract/recorded_calls.yaml). Conditions depend on the request, of which a denial
says little, so they are shown and not judged.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.access.grants import Role
from harness.access.recorded_calls import RecordedCall
from harness.iam.denials import Denial
from harness.iam.source import DeclaredGrants, new_statement
from harness.plan.arn import arn_like, like
from harness.plan.graph import PlanGraph
from harness.plan.iam_policy import RESOURCE_POLICIES, Statement, of_document, statements
from harness.plan.resource import UNKNOWN


@dataclass(frozen=True)
class Policy:
    """The policy of a resource.

    Attributes:
        address: Its address in the plan.
        statements: Its statements.
    """

    address: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Explanation:
    """Why a call was refused.

    Attributes:
        title: What was refused.
        reasons: What refused it, in which policy.
        remedies: What would grant it, or why nothing should.
    """

    title: str
    reasons: tuple[str, ...]
    remedies: tuple[str, ...]


def resource_policies(plan: PlanGraph) -> Iterator[Policy]:
    """The policies of all resources of a plan; those that a plan does not know are left out."""
    for kind, attribute in RESOURCE_POLICIES.items():
        for resource in plan.of(kind):
            text = resource.get(attribute)
            if text is UNKNOWN:
                documents = plan.links(resource, attribute, "aws_iam_policy_document")
                found = [statement for document in documents for statement in of_document(document)]
            else:
                found = statements(text) or []
            if found:
                yield Policy(resource.address, tuple(found))


def role_of(denial: Denial, roles: Mapping[str, Role]) -> Role | None:
    """The role that a denial is about: by the function's name, which is also the name of its session."""
    by_name = {role.function_name: role for role in roles.values()}
    names = (name for name in by_name if denial.principal and denial.principal in {name, f"{name}-role"})
    return roles.get(denial.principal) or next((by_name[name] for name in names), None)


def wanted(denial: Denial, role: Role, seen: Iterable[RecordedCall]) -> list[str]:
    """The actions that were wanted: the one of the message, or those that tests saw the call need."""
    if denial.action:
        return [denial.action]
    calls = [row for row in seen if row.function == role.function and row.call.partition(":")[2] == denial.call]
    return sorted({row.action for row in calls})


@dataclass(frozen=True)
class Estate:
    """What an environment grants, and what is known of it.

    Attributes:
        roles: The functions' roles.
        policies: The policies of resources.
        seen: The calls that tests have seen.
        source: The grants as the Terraform declares them.
    """

    roles: Mapping[str, Role]
    policies: Sequence[Policy]
    seen: Sequence[RecordedCall]
    source: DeclaredGrants


def explain(denial: Denial, role: Role, action: str, estate: Estate) -> Explanation:
    """Explain one refused action.

    Args:
        denial: What was read of the message.
        role: Who was refused.
        action: The action.
        estate: What the environment grants.
    """
    title = f"{role.function} may not {action}" + (f" on {denial.resource}" if denial.resource else "")
    denies = [*_denying(role, denial, action), *_denying_policies(estate.policies, denial, action)]
    if denies:
        remedy = "No grant helps against a Deny statement: change the request so that the statement does not apply."
        return Explanation(title, tuple(denies), (remedy,))
    if denial.explicit:
        reason = f"The message names a Deny in a {denial.explicit} policy, which this environment's plan does not have."
        return Explanation(title, (reason,), ("Look for it outside of this Terraform: an organisation, a boundary.",))
    fitting = [each for each in role.statements if each.allows and _covers(each, action, denial.resource)]
    if not fitting:
        return Explanation(title, tuple(_missing(role, denial, action)), tuple(_grant(role, denial, action, estate)))
    conditional = [each for each in fitting if each.conditions]
    free = next((each for each in fitting if not each.conditions), None)
    if free is not None:
        where = ", ".join(map(str, free.resources))
        reason = f"{free} of {role.address} grants it on {where}, in the source."
        remedy = "If it was on one of these, what runs is older. To apply the source: ./noxw -s up -- --detach"
        return Explanation(title, (reason,), (remedy,))
    reasons = tuple(f"{each} of {role.address} grants it only if {_conditions(each)}" for each in conditional)
    places = (estate.source.place(role.function, each.sid) for each in conditional)
    return Explanation(title, reasons, tuple(f"Meet the condition, or change it: {place}" for place in places))


def _covers(statement: Statement, action: str, resource: str) -> bool:
    return _has_action(statement, action) and (not resource or _has_resource(statement, resource))


def _has_action(statement: Statement, action: str) -> bool:
    return any(like(str(pattern).lower(), action.lower()) for pattern in statement.actions)


def _has_resource(statement: Statement, resource: str) -> bool:
    return any(isinstance(pattern, str) and arn_like(pattern, resource) for pattern in statement.resources)


def _conditions(statement: Statement) -> str:
    return " and ".join(f"{key} {test} {' or '.join(map(str, values))}" for test, key, values in statement.conditions)


def _denying(role: Role, denial: Denial, action: str) -> Iterator[str]:
    for each in role.statements:
        if not each.allows and _covers(each, action, denial.resource):
            yield _refusal(each, role.address)


def _denying_policies(policies: Iterable[Policy], denial: Denial, action: str) -> Iterator[str]:
    """Deny statements of resources' policies: only if the message names one, for they apply to few requests."""
    if denial.explicit != "resource-based" or not denial.resource:
        return
    for policy in policies:
        for each in policy.statements:
            if not each.allows and _covers(each, action, denial.resource):
                yield _refusal(each, policy.address)


def _refusal(statement: Statement, address: str) -> str:
    condition = f" if {_conditions(statement)}" if statement.conditions else ""
    return f"{statement} of {address} denies it{condition}"


def _missing(role: Role, denial: Denial, action: str) -> Iterator[str]:
    """That nothing grants it, and what comes near."""
    yield f"No statement of {role.address} grants it."
    for each in role.statements:
        if each.allows and _has_action(each, action):
            yield f"{each} grants {action} on {', '.join(map(str, each.resources))} only."
        elif each.allows and denial.resource and _has_resource(each, denial.resource) and each.resources != ("*",):
            yield f"{each} grants {', '.join(map(str, each.actions))} on this resource."


def _grant(role: Role, denial: Denial, action: str, estate: Estate) -> Iterator[str]:
    source = estate.source
    beside = [
        (owner.function, each)
        for owner in (role, *estate.roles.values())
        for each in owner.statements
        if each.allows and denial.resource and _has_resource(each, denial.resource)
        if source.declares(owner.function, each.sid)
    ]
    own = [each for function, each in beside if function == role.function and not each.conditions]
    if own:
        yield f'Add "{action}" to the actions of {own[0].sid}, {source.place(role.function, own[0].sid)}'
    else:
        written = [source.statements[function, each.sid].resources for function, each in beside]
        resource = next(iter(written), f'"{denial.resource or "arn:..."}"')
        yield f"Add to {source.place(role.function)}: {new_statement(action, resource)}"
    if not any(row.function == role.function and row.action == action for row in estate.seen):
        yield (
            f"But no test has seen {role.function} do this, and a grant that nothing uses is an error of"
            " ./noxw -s contract. If it is meant to, write a test of it: ./noxw -s unit e2e docs"
        )
