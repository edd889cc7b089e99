"""Findings as people fix them: by the block that declares what is wrong, and not by each of its instances.

One argument in a module is wrong in every instance of its block, in every root, in source and in plans, and often by
several checks that say the same. It is fixed once, so it is reported once:

- by block: the rules that it breaks, each with its fix, and the roots and instances beneath;
- a built-in check of checkov is part of our rule that includes it (``includes`` in ``rule.toml``), where both find
  something in the same block; or in the same module, if it is a check on how blocks are connected (``CKV2_…``), which
  finds the bucket where we find its public access block;
- the same message on several blocks of a file, or on `WIDESPREAD` blocks or more, which have one cause elsewhere, such
  as a provider's default tags, is reported once, with some of the blocks;
- what AWS's models say of a block is held back while the block has other findings, and that a suppression is not needed
  while its module has some: their fixes change it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.policy.finding import Finding, Severity
from harness.policy.rule import RULES

WIDESPREAD = 5
"""From this number of blocks on, one message is reported once for all of them."""

UNNEEDED = "CKV_INV_007"
"""A suppression that is not needed: it is reported in modules without other findings only, because a check may look at
another block than the one that was changed, such as at the API of a stage."""

HELD_BACK = frozenset({UNNEEDED, "CKV_INV_901"})
"""What is reported on blocks without other findings only."""

_KEY = re.compile(r"\[[^\]]*\]")


@dataclass(frozen=True)
class BrokenRule:
    """What one rule says of a block.

    Attributes:
        id: The rule's id.
        severity: Of the rule.
        messages: What is wrong, each once.
        remedy: How to fix it.
        guideline: Where AWS (or the tool) explains why.
        includes: The built-in checks that found the same.
    """

    id: str
    severity: Severity
    messages: tuple[str, ...]
    remedy: str
    guideline: str
    includes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FindingGroup:
    """Everything that is wrong with a block, or one thing that is wrong with many.

    Attributes:
        place: Its file and line, such as ``modules/s3-bucket/main.tf:21``; what was scanned if it has no file.
        subject: The block, such as ``aws_s3_bucket_public_access_block.this``; the number of blocks if there are many.
        rules: The rules that it breaks, worst first, our own before built-in ones.
        instances: By root, the addresses that break them; empty for findings on the source alone.
        held_back: How many findings of `HELD_BACK` are left out, by rule.
        findings: All findings, those that are left out included.
        others: The other places, of one thing that is wrong with many blocks.
        written: Where callers of the block's module write its values.
    """

    place: str
    subject: str
    rules: tuple[BrokenRule, ...]
    instances: Mapping[str, tuple[str, ...]]
    held_back: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    others: tuple[str, ...] = ()
    written: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        """The worst of its rules'."""
        return self.rules[0].severity


def group(findings: Iterable[Finding]) -> list[FindingGroup]:
    """Findings by block, worst first.

    Args:
        findings: With their places (`harness.policy.blocks`).
    """
    blocks: dict[str, list[Finding]] = defaultdict(list)
    widespread: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    remaining = [*dict.fromkeys(findings)]
    common, owners = _common(remaining), _owners(remaining)
    for finding in remaining:
        if owner := owners.get((finding.rule_id, finding.root, _module(finding))):
            blocks[owner].append(finding)
        elif (finding.rule_id, finding.message) in common:
            widespread[finding.rule_id, finding.message].append(finding)
        else:
            blocks[_block(finding)].append(finding)
    held = _held_back(blocks)
    groups = [_of_block(members, held[block]) for block, members in blocks.items() if members]
    groups += [_of_many(members) for members in widespread.values()]
    return sorted(groups, key=lambda each: (each.severity.rank, each.rules[0].id, each.place))


def _block(finding: Finding) -> str:
    """What is fixed: a line of a file, a block, or a root."""
    if finding.file:
        return f"{finding.file}:{finding.line or 1}"
    return finding.definition or f"{finding.root} {finding.address}".strip()


def _module(finding: Finding) -> str:
    """The module that a finding is in, without keys, which source does not show."""
    return ".".join(_KEY.sub("", finding.address).split(".")[:-2])


def _owners(findings: Sequence[Finding]) -> dict[tuple[str, str, str], str]:
    """The block that a built-in check on connections belongs to: by the check, the root and the module."""
    return {
        (check, finding.root, _module(finding)): _block(finding)
        for finding in findings
        for check in _includes(finding.rule_id)
        if check.startswith("CKV2_")
    }


def _common(findings: Sequence[Finding]) -> set[tuple[str, str]]:
    """The rules and messages that hold of many blocks, or of several in one file."""
    blocks = defaultdict(set)
    for finding in findings:
        if finding.rule_id not in HELD_BACK:
            blocks[finding.rule_id, finding.message].add(_block(finding))
    return {
        key
        for key, where in blocks.items()
        if len(where) >= WIDESPREAD or (len(where) > 1 and len({block.partition(":")[0] for block in where}) == 1)
    }


def _held_back(blocks: dict[str, list[Finding]]) -> Mapping[str, list[Finding]]:
    """Take the findings out of blocks that are held back; returns them by block."""
    judged: dict[str, str] = {}
    for block, members in blocks.items():
        for finding in members:
            if finding.rule_id not in HELD_BACK:
                judged |= dict.fromkeys(_names(finding), block)
                judged.setdefault(_folder(finding.definition), block)
    held: dict[str, list[Finding]] = defaultdict(list)
    for members in blocks.values():
        for finding in [finding for finding in members if finding.rule_id in HELD_BACK]:
            names = [*_names(finding), *([_folder(finding.address)] if finding.rule_id == UNNEEDED else ())]
            of_block = next((judged[name] for name in names if name and name in judged), None)
            if of_block:
                held[of_block].append(finding)
                members.remove(finding)
    return held


def _names(finding: Finding) -> list[str]:
    """What identifies the block of a finding; nothing if it concerns a whole root or file."""
    return [name for name in (finding.definition, _KEY.sub("", finding.address)) if name]


def _folder(definition: str) -> str:
    """The folder of the module that declares a block; empty if it is not known."""
    folder, slash, _ = definition.partition("#")[0].rpartition("/")
    return folder + slash


def _of_block(members: Sequence[Finding], held: Sequence[Finding]) -> FindingGroup:
    first = next((finding for finding in members if finding.rule_id in RULES), members[0])
    subject = first.definition.partition("#")[0].rpartition("/")[2] or first.address
    return FindingGroup(
        place=_block(first) if first.file else first.root or first.address,
        subject="" if first.file and first.file.endswith(first.definition or "/") else subject,
        rules=_rules(members),
        instances=_instances(members),
        held_back=dict(
            Counter(finding.rule_id for finding in held)
        ),  # asdict takes a Counter's pairs for things to count
        findings=(*members, *held),
        written=_written(members),
    )


def _of_many(members: Sequence[Finding]) -> FindingGroup:
    places = [_block(finding) for finding in sorted(members, key=lambda each: (each.file or "", each.line or 0))]
    places = [*dict.fromkeys(places)]
    return FindingGroup(
        place=places[0],
        subject=f"and {len(places) - 1} other blocks" if len(places) > 2 else "and another block",
        rules=_rules(members),
        instances=_instances(members),
        findings=tuple(members),
        others=tuple(places[1:]),
        written=_written(members),
    )


def _written(members: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.written for finding in members if finding.written))


def _rules(members: Sequence[Finding]) -> tuple[BrokenRule, ...]:
    by_rule: dict[str, list[Finding]] = defaultdict(list)
    for finding in members:
        by_rule[finding.rule_id].append(finding)
    included = _included(by_rule)
    rules = [
        BrokenRule(
            rule_id,
            of_rule[0].severity,
            tuple(dict.fromkeys(finding.message for finding in of_rule)),
            of_rule[0].remedy,
            of_rule[0].guideline,
            tuple(sorted(built_in for built_in, owner in included.items() if owner == rule_id)),
        )
        for rule_id, of_rule in by_rule.items()
        if rule_id not in included
    ]
    return tuple(sorted(rules, key=lambda rule: (rule.severity.rank, rule.id not in RULES, rule.id)))


def _included(rule_ids: Iterable[str]) -> dict[str, str]:
    """The built-in checks among some that another of them includes, each with that rule."""
    found = frozenset(rule_ids)
    return {check: rule_id for rule_id in sorted(found) for check in _includes(rule_id) if check in found}


def _includes(rule_id: str) -> tuple[str, ...]:
    return RULES[rule_id].includes if rule_id in RULES else ()


def _instances(members: Sequence[Finding]) -> Mapping[str, tuple[str, ...]]:
    """By root; an address in source has no keys, so it counts only where no plan shows its instances."""
    by_root: dict[str, list[Finding]] = defaultdict(list)
    included = _included(finding.rule_id for finding in members)
    for finding in members:
        if finding.root and finding.rule_id not in included:
            by_root[finding.root].append(finding)
    return {
        root: tuple(dict.fromkeys(finding.address for finding in _planned(found) or found))
        for root, found in sorted(by_root.items())
    }


def _planned(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.mode == "plan"]
