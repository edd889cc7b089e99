"""The mutator of Terraform: single edits of the text, found by syntax; the same seed chooses the same mutants."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness.errors import HarnessError
from harness.mutation import campaign, edits
from harness.mutation.contract import contract_verdict
from harness.mutation.edits import Finder, Target, TerraformFile
from harness.mutation.judges import terraform_verdict
from harness.mutation.mutants import Mutant, all_mutants, sample, sources
from harness.mutation.operators import OPERATORS, Category, Operator, operators
from harness.mutation.verdict import MutantVerdict
from harness.terraform.events import Diagnostic

HCL = """\
# A comment.
resource "aws_sqs_queue" "this" {
  name     = "q" # its name
  for_each = var.queues

  redrive {
    on = true
  }

  dynamic "tag" {
    for_each = var.tags
    content {
      value = "a"
    }
  }
}

data "aws_iam_policy_document" "this" {
  statement {
    sid     = "Send"
    actions = ["sqs:SendMessage", "sqs:ReceiveMessage"]
  }
}

resource "aws_sns_topic" "this" {
  name = "t"
}
"""


@pytest.fixture
def source(tmp_path: Path) -> TerraformFile:
    (tmp_path / "main.tf").write_text(HCL, encoding="utf-8")
    return TerraformFile.read(tmp_path, tmp_path / "main.tf")


@pytest.fixture(scope="module")
def mutants() -> list[Mutant]:
    """Every possible mutant of the repository."""
    return all_mutants(sources())


@pytest.mark.parametrize(
    ("finder", "expected"),
    [
        (edits.without_block("resource.*/redrive"), [("  redrive {\n    on = true\n  }\n", "")]),
        (
            edits.without_block("resource.*/dynamic.tag/content"),
            [('    content {\n      value = "a"\n    }\n', "")],
        ),
        (edits.without(Target("resource.aws_sqs_queue", "name")), [('  name     = "q" # its name\n', "")]),
        (edits.setting(Target("resource.*/redrive", "on"), "false"), [("true", "false")]),
        (edits.setting(Target("resource.*/redrive", "on"), "true"), []),
        (edits.setting(Target("resource.*/redrive", "on", was="false"), "null"), []),
        (edits.setting(Target("resource.aws_sqs_queue|resource.*", "nam?", was='"(t)"'), r'"\1\1"'), [('"t"', '"tt"')]),
        (edits.never("resource.aws_sqs_queue"), [("var.queues", "{}")]),
        (edits.never("resource.aws_sns_topic"), [("", "  count = 0\n")]),
        (
            edits.replacing_strings(Target("data.*/statement", "actions", was=r"sqs:\w+"), '"sqs:*"'),
            [('"sqs:SendMessage"', '"sqs:*"'), ('"sqs:ReceiveMessage"', '"sqs:*"')],
        ),
        (
            edits.replacing_strings(Target("data.*/statement", "actions"), '"sqs:*"', first=True),
            [('"sqs:SendMessage"', '"sqs:*"')],
        ),
        (
            edits.replacing_text(Target("data.*/statement", "actions", was=":(Send|Receive)"), r":*\1"),
            [
                (":Send", ":*Send"),
                (":Receive", ":*Receive"),
            ],
        ),
        (edits.only_in("main.*", edits.setting(Target("resource.*/redrive", "on"), "false")), [("true", "false")]),
        (edits.only_in("other.*", edits.setting(Target("resource.*/redrive", "on"), "false")), []),
        (edits.but_not("[Send]", edits.setting(Target("data.*/statement", "actions"), "[]")), []),
    ],
)
def test_each_find_is_one_edit_and_nothing_else_changes(
    source: TerraformFile, finder: Finder, expected: list[tuple[str, str]]
) -> None:
    edits_found = list(finder(source))

    assert [(edit.before, edit.after) for edit in edits_found] == expected
    for edit in edits_found:
        text = edit.apply_to(source.text)
        assert text != source.text
        assert text[: edit.start] + edit.before + text[edit.start + len(edit.after) :] == source.text
        assert edit.line == source.text[: edit.start].count("\n") + 1


ALIGNED = """\
locals {
  rules = merge({
    one = {
      days   = 30 # a month
      filter = "a/"
    }
    two = { days = 30, filter = "b/", actions = ["s3:Get", "s3:Put"] }
  }, local.others)
  names = [
    "a", # the first
    "b",
  ]
}

variable "limits" {
  type = object({
    depth = optional(number, 0)
    width = optional(list(string), [])
  })
}

resource "aws_secret" "this" {
  id         = 1
  text_wo    = "x"
  text_wo_no = 1
}
"""
"""As terraform fmt writes it."""


@pytest.mark.parametrize(
    "hcl", [ALIGNED, re.sub(r" +(=|#|\{)", r" \1", ALIGNED)], ids=["aligned", "with single blanks"]
)
@pytest.mark.parametrize(
    ("finder", "changes"),
    [
        (edits.setting(Target("locals", "rules", "days", "3(.)"), r"9\1"), [("30", "90"), ("30", "90")]),
        (edits.setting(Target("locals", "rules", "d.*", "7"), "9"), []),
        (edits.without(Target("locals", "rules", "filter")), [('filter = "a/"', "")]),
        (edits.without(Target("locals", "names", "[]")), [('"a", # the first', ""), ('"b",', "")]),
        (edits.defaulting(Target("variable.limits", "type", ".*"), "7"), [("0", "7"), ("[]", "7")]),
        (edits.defaulting(Target("variable.limits", "type", "depth"), "7"), [("0", "7")]),
        (edits.inserting(Target("locals", "rules", "days"), "x = 1, "), [("", "x = 1, "), ("", "x = 1, ")]),
        (edits.replacing_strings(Target("locals", "rules", "actions"), '"*"', first=True), [('"s3:Get"', '"*"')]),
        (
            edits.renaming(Target("resource.aws_secret", "text_wo"), "text", "text_wo_no"),
            [('text_wo = "x" text_wo_no = 1', 'text = "x"')],
        ),
        (edits.renaming(Target("resource.aws_secret", "text_wo"), "text", "id"), []),
    ],
)
def test_expressions_are_edited_however_they_are_aligned(
    tmp_path: Path, hcl: str, finder: Finder, changes: list[tuple[str, str]]
) -> None:
    (tmp_path / "main.tf").write_text(hcl, encoding="utf-8")
    file = TerraformFile.read(tmp_path, tmp_path / "main.tf")

    found = list(finder(file))

    assert [(" ".join(edit.before.split()), edit.after.rstrip("\n")) for edit in found] == changes
    for edit in found:
        (tmp_path / "main.tf").write_text(edit.apply_to(hcl), encoding="utf-8")
        assert TerraformFile.read(tmp_path, tmp_path / "main.tf").blocks, "the mutant is HCL"


def test_values_of_a_live_folder_are_edited_by_name(tmp_path: Path) -> None:
    (tmp_path / "prod").mkdir()
    (tmp_path / "prod" / "terraform.tfvars").write_text('table = {\n  kept = true\n}\nkept = "x"\n', encoding="utf-8")
    file = TerraformFile.read(tmp_path, tmp_path / "prod" / "terraform.tfvars")

    inner = list(edits.setting(Target("values.prod", "table", "kept"), "false")(file))
    outer = list(edits.setting(Target("values.prod", "kept"), "false")(file))

    assert [(edit.place, edit.line, edit.before, edit.after) for edit in inner] == [("table", 2, "true", "false")]
    assert [(edit.place, edit.line, edit.before, edit.after) for edit in outer] == [("kept", 4, '"x"', "false")]
    assert list(edits.setting(Target("values.dev", "kept"), "false")(file)) == []


@pytest.mark.parametrize("row", [{"kind": "x"}, {"edit": "twist"}, {"category": "weather"}])
def test_operator_with_an_unknown_column_or_word_is_an_error(row: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        operators({"odd": {"category": "data", "edit": "never", "select": "resource.*"} | row})


def test_edit_of_a_file_that_has_changed_is_an_error(source: TerraformFile) -> None:
    (edit,) = edits.setting(Target("resource.*/redrive", "on"), "false")(source)

    with pytest.raises(ValueError, match="has changed"):
        edit.apply_to("# One line more.\n" + source.text)


def test_places_are_named_as_people_name_them(source: TerraformFile) -> None:
    assert [place for place, _ in edits.blocks(source, "data.*/statement")] == [
        "data.aws_iam_policy_document.this/statement[Send]"
    ]
    assert [place for place, _ in edits.blocks(source, "resource.aws_sqs_queue")] == ["aws_sqs_queue.this"]


def test_every_operator_finds_something_to_edit(mutants: list[Mutant]) -> None:
    assert {mutant.operator.name for mutant in mutants} == {operator.name for operator in OPERATORS}
    assert len(OPERATORS) >= 60
    assert {mutant.category for mutant in mutants} == set(Category)


def test_operator_that_finds_nothing_is_an_error(source: TerraformFile) -> None:
    idle = Operator("idle", Category.DATA, edits.never("resource.aws_nothing"))

    with pytest.raises(HarnessError, match="'idle' finds nothing"):
        all_mutants([source], [idle])


def test_names_are_unique_and_free_of_line_numbers(mutants: list[Mutant]) -> None:
    assert [name for name, count in Counter(mutant.name for mutant in mutants).items() if count > 1] == []
    assert len({operator.name for operator in OPERATORS}) == len(OPERATORS)


def test_same_seed_chooses_the_same_mutants(mutants: list[Mutant]) -> None:
    def names(seed: int, each: int | None) -> list[str]:
        return [mutant.name for mutant in sample(mutants, seed=seed, each=each)]

    assert names(1, 1) == names(1, 1)
    assert names(1, 1) != names(2, 1)
    assert len(names(1, 1)) == len(OPERATORS)
    assert len(names(1, None)) == len(mutants)


def test_mutant_is_a_copy_with_one_file_changed(mutants: list[Mutant], tmp_path: Path) -> None:
    originals = {source.name: source.text for source in sources()}
    mutant = next(candidate for candidate in mutants if candidate.operator.name == "drop-tracing")

    tree = mutant.write(tmp_path / "tree")

    changed = [source.name for source in sources(tree) if source.text != originals[source.name]]
    assert changed == [mutant.edit.file]
    assert "tracing_config" not in (tree / mutant.edit.file).read_text(encoding="utf-8")


def outcome(mutants: Sequence[Mutant], *judges: str) -> campaign.MutantOutcome:
    """A run over as many mutants as there are judges; an empty judge stands for a survivor."""
    judged = list(mutants[: len(judges)])
    verdicts = {mutant: MutantVerdict(judge, "…") for mutant, judge in zip(judged, judges, strict=True) if judge}
    return campaign.MutantOutcome(judged, verdicts)


def test_score_leaves_stillborn_mutants_out(mutants: list[Mutant]) -> None:
    run = outcome(mutants, "specs", "gate", "", "", "stillborn")

    assert run.score == 0.5
    assert run.noticed == mutants[:2]
    assert run.survivors == mutants[2:4]
    assert run.stillborn == mutants[4:5]


@pytest.mark.parametrize(
    ("judges", "message"),
    [
        (("specs", "", "gate"), "66.7% of the mutants were noticed, 95% are required"),
        (("specs", "stillborn"), "not valid configurations"),
    ],
)
def test_run_fails_for_survivors_and_stillborn_mutants(
    mutants: list[Mutant], judges: tuple[str, ...], message: str
) -> None:
    with pytest.raises(HarnessError, match=message):
        campaign.check(outcome(mutants, *judges), required=campaign.REQUIRED)


def test_run_passes_when_every_mutant_is_noticed(mutants: list[Mutant]) -> None:
    campaign.check(outcome(mutants, "specs", "terraform"), required=1.0)


def test_figures_show_who_noticed_what_and_what_survived(mutants: list[Mutant]) -> None:
    figures: dict[str, Any] = campaign.figures(outcome(mutants, "specs", ""), seed=7, possible=9)

    assert (figures["seed"], figures["mutants"], figures["possible"], figures["score"]) == (7, 2, 9, 0.5)
    assert figures["noticed_by"] == {"specs": 1}
    (survivor,) = figures["survivors"]
    assert (survivor["mutant"], survivor["file"]) == (mutants[1].name, mutants[1].edit.file)
    (noticed,) = figures["noticed"]
    assert (noticed["mutant"], noticed["by"]) == (mutants[0].name, "specs")


@pytest.mark.parametrize(
    "summary", ["Provider installation was canceled by an interrupt signal.", "Plugin did not respond", "timed out"]
)
def test_disturbance_does_not_count_as_noticing(summary: str) -> None:
    with pytest.raises(HarnessError, match="disturbed"):
        terraform_verdict([Diagnostic("error", summary)], "a plan")


@pytest.mark.parametrize(
    ("summary", "judge"),
    [
        ("Invalid value for variable", "terraform"),
        ("Resource precondition failed", "terraform"),
        ("expected runtime to be one of [...]", "terraform"),
        ("Reference to undeclared resource", "stillborn"),
        ("Unsupported argument", "stillborn"),
        ("Missing resource instance key", "stillborn"),
    ],
)
def test_error_notices_a_mutant_unless_the_mutant_is_invalid(summary: str, judge: str) -> None:
    assert terraform_verdict([Diagnostic("error", summary)], "a plan").judge == judge


def test_contract_tests_that_fail_have_noticed() -> None:
    output = "F\n=== short test summary info ===\nFAILED tests/contract/test_iam.py::test_nothing[dev] - in vain: x"

    assert contract_verdict(0, ".") is None
    assert contract_verdict(1, output) == MutantVerdict("contract", "test_iam.py::test_nothing[dev]: in vain: x")


@pytest.mark.parametrize(
    ("exit_code", "output"),
    [
        (2, "interrupted"),
        (5, "no tests ran"),
        (1, "Terminated"),
        (1, "ERROR tests/contract/test_iam.py::test_nothing - harness.terraform.failures.TerraformError: no answer"),
    ],
)
def test_contract_tests_that_did_not_run_have_not_noticed(exit_code: int, output: str) -> None:
    with pytest.raises(HarnessError, match="gave no verdict"):
        contract_verdict(exit_code, output)
