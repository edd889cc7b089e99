"""docs/engines.md is what the committed answers, questions and differences say."""

from harness.differences import table
from tests.conformance import report
from tests.conformance.interactions import INTERACTIONS

AGAIN = "./noxw -s conformance writes it anew"


def test_the_answers_are_to_the_questions_that_are_asked_now() -> None:
    assert report.recorded()["questions"] == report.fingerprint(), AGAIN


def test_the_page_is_what_the_generator_writes() -> None:
    assert report.PAGE.read_text(encoding="utf-8") == report.render(report.recorded()["answers"]), AGAIN


def test_every_answer_that_differs_is_a_known_difference() -> None:
    answers = report.recorded()["answers"]
    differing = {
        (engine, one.feature)
        for one in INTERACTIONS
        for engine, answer in answers[one.feature].items()
        if answer != one.expected
    }

    assert differing <= {(row.engine, row.feature) for row in table().differences}
