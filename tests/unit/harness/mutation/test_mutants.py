"""The mutator of Terraform: single edits, found by syntax, made in text, the same ones for the same seed."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.mutation import campaign, edits
from harness.mutation.contract import heard
from harness.mutation.edits import Finder, Source
from harness.mutation.judges import refusal
from harness.mutation.mutants import Mutant, all_mutants, equivalents, sampled, sources
from harness.mutation.operators import OPERATORS, Category, Operator
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
def source(tmp_path: Path) -> Source:
    (tmp_path / "main.tf").write_text(HCL, encoding="utf-8")
    return Source.read(tmp_path, tmp_path / "main.tf")


@pytest.fixture(scope="module")
def every() -> list[Mutant]:
    return all_mutants(sources())


@pytest.mark.parametrize(
    ("finder", "expected"),
    [
        (edits.without_block("resource.*/redrive"), [("  redrive {\n    on = true\n  }\n", "")]),
        (
            edits.without_block("resource.*/dynamic.tag/content"),
            [('    content {\n      value = "a"\n    }\n', "")],
        ),
        (edits.without("resource.aws_sqs_queue", "name"), [('  name     = "q" # its name\n', "")]),
        (edits.setting("resource.*/redrive", "on", "false"), [("true", "false")]),
        (edits.setting("resource.*/redrive", "on", "true"), []),
        (edits.adding("resource.aws_sns_topic", "tags = {}"), [("", "  tags = {}\n")]),
        (edits.never("resource.aws_sqs_queue"), [("var.queues", "{}")]),
        (edits.never("resource.aws_sns_topic"), [("", "  count = 0\n")]),
        (
            edits.replacing("data.*/statement", "actions", r'"sqs:\w+"', '"sqs:*"'),
            [('"sqs:SendMessage"', '"sqs:*"'), ('"sqs:ReceiveMessage"', '"sqs:*"')],
        ),
        (edits.in_text("main.*", r"# A", "# Any"), [("# A", "# Any")]),
        (edits.in_text("other.*", r"# A", "# Any"), []),
    ],
)
def test_each_finding_is_one_edit_and_nothing_else_changes(
    source: Source, finder: Finder, expected: list[tuple[str, str]]
) -> None:
    found = list(finder(source))

    assert [(one.before, one.after) for one in found] == expected
    for one in found:
        changed = one.applied(source.text)
        assert changed != source.text
        assert changed[: one.start] + one.before + changed[one.start + len(one.after) :] == source.text
        assert one.line == source.text[: one.start].count("\n") + 1


def test_edit_refuses_a_file_that_has_changed(source: Source) -> None:
    (edit,) = edits.setting("resource.*/redrive", "on", "false")(source)

    with pytest.raises(ValueError, match="has changed"):
        edit.applied("# One line more.\n" + source.text)


def test_places_are_named_as_people_name_them(source: Source) -> None:
    assert [place for place, _ in edits.blocks(source, "data.*/statement")] == [
        "data.aws_iam_policy_document.this/statement[Send]"
    ]
    assert [place for place, _ in edits.blocks(source, "resource.aws_sqs_queue")] == ["aws_sqs_queue.this"]


def test_every_operator_finds_something_to_edit(every: list[Mutant]) -> None:
    assert {one.operator.name for one in every} == {one.name for one in OPERATORS}
    assert len(OPERATORS) >= 60
    assert {one.category for one in every} == set(Category)


def test_operator_that_finds_nothing_is_a_fault(source: Source) -> None:
    idle = Operator("idle", Category.DATA, edits.never("resource.aws_nothing"))

    with pytest.raises(HarnessError, match="'idle' finds nothing"):
        all_mutants([source], [idle])


def test_names_are_unique_and_free_of_line_numbers(every: list[Mutant]) -> None:
    assert [name for name, count in Counter(one.name for one in every).items() if count > 1] == []
    assert len({one.name for one in OPERATORS}) == len(OPERATORS)


def test_same_seed_chooses_the_same_mutants(every: list[Mutant]) -> None:
    def names(seed: int, each: int | None) -> list[str]:
        return [one.name for one in sampled(every, seed=seed, each=each)]

    assert names(1, 1) == names(1, 1)
    assert names(1, 1) != names(2, 1)
    assert len(names(1, 1)) == len(OPERATORS)
    assert len(names(1, None)) == len(every)


def test_mutant_is_a_copy_with_one_file_changed(every: list[Mutant], tmp_path: Path) -> None:
    originals = {one.name: one.text for one in sources()}
    mutant = next(one for one in every if one.operator.name == "drop-tracing")

    tree = mutant.written(tmp_path / "tree")

    changed = [one.name for one in sources(tree) if one.text != originals[one.name]]
    assert changed == [mutant.edit.file]
    assert "tracing_config" not in (tree / mutant.edit.file).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "said"),
    [("'no such mutant': it does the same thing", "which is not made"), ("{name}: ''", "has no reason")],
)
def test_reason_for_what_is_not_there_and_no_reason_are_refused(
    every: list[Mutant], tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "equivalent.yaml"
    file.write_text(text.format(name=f'"{every[0].name}"'), encoding="utf-8")

    with pytest.raises(HarnessError, match=said):
        equivalents(every, file)


def outcome(every: Sequence[Mutant], *judges: str) -> campaign.MutantOutcome:
    """A run in which each mutant but the last ones was noticed by a judge."""
    shown = list(every[: len(judges)])
    noticed = {one: MutantVerdict(judge, "…") for one, judge in zip(shown, judges, strict=True) if judge}
    return campaign.MutantOutcome(shown, noticed)


def test_score_leaves_equivalent_and_stillborn_mutants_out(every: list[Mutant]) -> None:
    run = outcome(every, "specs", "gate", "", "", "stillborn")

    assert run.score({}) == 0.5
    assert run.score({every[2].name: "the same"}) == pytest.approx(2 / 3)
    assert [one.name for one in run.survivors] == [every[2].name, every[3].name]


@pytest.mark.parametrize(
    ("judges", "reason_for", "said"),
    [
        (("specs", "", "gate"), None, "66.7% of the mutants were noticed"),
        (("specs", "stillborn"), None, "no configuration"),
        (("specs", "gate"), 1, "something did"),
    ],
)
def test_run_fails_for_survivors_stillborn_mutants_and_idle_reasons(
    every: list[Mutant], judges: tuple[str, ...], reason_for: int | None, said: str
) -> None:
    reasons = {} if reason_for is None else {every[reason_for].name: "the same"}

    with pytest.raises(HarnessError, match=said):
        campaign.passed(outcome(every, *judges), reasons, wanted=campaign.WANTED)


def test_run_passes_when_all_that_can_be_noticed_is(every: list[Mutant]) -> None:
    campaign.passed(outcome(every, "specs", "", "terraform"), {every[1].name: "the same"}, wanted=1.0)


def test_figures_tell_who_noticed_what_and_what_survived(every: list[Mutant]) -> None:
    told = campaign.figures(outcome(every, "specs", "", ""), {every[2].name: "the same"}, seed=7, possible=9)

    assert (told["seed"], told["mutants"], told["possible"], told["score"]) == (7, 3, 9, 0.5)
    assert told["noticed_by"] == {"specs": 1}
    (survivor,) = told["survivors"]  # type: ignore[misc]
    assert (survivor["mutant"], survivor["file"]) == (every[1].name, every[1].edit.file)  # type: ignore[index]
    (equal,) = told["equivalent"]  # type: ignore[misc]
    assert equal["reason"] == "the same"  # type: ignore[index]


@pytest.mark.parametrize(
    "summary", ["Provider installation was canceled by an interrupt signal.", "Plugin did not respond", "timed out"]
)
def test_disturbance_is_nobodys_notice(summary: str) -> None:
    with pytest.raises(HarnessError, match="disturbed"):
        refusal([Diagnostic("error", summary)], "a plan")


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
def test_refusal_notices_a_mutant_unless_it_is_nonsense(summary: str, judge: str) -> None:
    assert refusal([Diagnostic("error", summary)], "a plan").judge == judge


def test_contract_tests_that_turn_red_have_noticed() -> None:
    output = "F\n=== short test summary info ===\nFAILED tests/contract/test_iam.py::test_nothing[dev] - in vain: x"

    assert heard(0, ".") is None
    assert heard(1, output) == MutantVerdict("contract", "test_iam.py::test_nothing[dev]: in vain: x")


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
    with pytest.raises(HarnessError, match="gave no answer"):
        heard(exit_code, output)
