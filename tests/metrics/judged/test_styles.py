"""Scores after GREEN and GEMA-Score by a chat model: counted by hand, and with answers that cannot be used."""

import json

import pytest

from radtrace.errors import InputError
from radtrace.metrics import PRESETS, Pair, score

PRESET = PRESETS["strict"]
PAIR = Pair("a", "Large right effusion. No nodule.", "Small left effusion. No nodule. Clear apices.")
FAILED, UNSCORED = Pair("failed", " ", "Clear."), Pair("unscored", "Clear.", None)


def error(kind, significant):
    return {"kind": kind, "significant": significant, "what": "effusion"}


COUNTED = {
    "matched": ["no nodule", "effusion", "x"],
    "errors": [
        error("wrong_location", True),
        error("wrong_severity", False),
        error("missing_finding", False),
        error("missing_finding", True),
    ],
}


def scored(backing, *pairs, name="green_style"):
    return score([list(pairs)], [name], PRESET, backing=backing)


def test_green_style_by_hand(local_endpoint, backing):
    local_endpoint.words = lambda _: json.dumps(COUNTED)
    result = scored(backing, PAIR, FAILED, UNSCORED)
    # 3 matched, 2 significant errors: 3 / 5, and 0 for the failed one
    assert result.scores["green_style"] == pytest.approx(3 / 5 / 2)
    assert [result.scores[f"green_style_errors_{letter}"] for letter in "abcdef"] == [0, 1, 1, 0, 0, 0]
    assert [result.scores[f"green_style_minor_{letter}"] for letter in "abcdef"] == [0, 1, 0, 1, 0, 0]
    assert (result.scores["green_style_matched"], result.scores["green_style_unusable"]) == (3, 0)
    assert len(local_endpoint.requests) == 1  # nothing is asked about nothing
    assert result.signatures["green_style"].startswith("green_style|judge:m|formula:matched/(matched+significant)|")


@pytest.mark.parametrize(
    "words",
    [
        "No errors.",
        "{}",
        json.dumps({**COUNTED, "errors": [error("typo", True)]}),
        json.dumps({**COUNTED, "errors": [error("wrong_severity", "yes")]}),
        json.dumps({**COUNTED, "matched": 3}),
        json.dumps({**COUNTED, "score": 1}),
    ],
)
def test_green_style_garbage_is_0_and_counted(local_endpoint, backing, words):
    local_endpoint.words = lambda _: words
    result = scored(backing, PAIR)
    assert (result.scores["green_style"], result.scores["green_style_unusable"]) == (0, 1)
    assert result.n == 1


@pytest.mark.parametrize("name", ["green_style", "gema_style", "radfact_style", "steps_llm"])
def test_a_judge_is_needed(name):
    with pytest.raises(InputError, match=f"{name}: needs a chat model"):
        scored(None, PAIR, name=name)


def finding(name):
    return {"name": name, "location": "", "severity": "", "uncertainty": ""}


def match(candidate, reference, location=True, severity=True, uncertainty=True):
    details = {"location": location, "severity": severity, "uncertainty": uncertainty}
    return {"candidate": candidate, "reference": reference, **details}


MATCHES = [match(1, 1, location=False, severity=False), match(2, 2)]
RATED = {"completeness": 5, "readability": 10, "terminology": 9}


def agents(matches, rated=RATED, names=("effusion", "no nodule", "clear apices")):
    """Extraction lists the candidate's two findings, or the reference's three."""

    def words(request):
        instructions = request["messages"][0]["content"]
        if instructions.startswith("List"):
            mine = "Large" in request["messages"][1]["content"]
            return json.dumps({"findings": [finding(name) for name in (names[:2] if mine else names)]})
        return json.dumps({"matches": matches} if instructions.startswith("Match") else rated)

    return words


def test_gema_style_by_hand(local_endpoint, backing):
    local_endpoint.words = agents(MATCHES)
    result = scored(backing, PAIR, FAILED, UNSCORED, name="gema_style")
    values = {name.removeprefix("gema_style_"): value for name, value in result.scores.items()}
    # 2 of 2 and 2 of 3 match: F1 = 2 * 2 / 5; location and severity agree in one of the two: 2 * 1 / 5. Half of all of
    # it, since the failed one is 0.
    assert values["entity_f1"] == values["uncertainty_f1"] == pytest.approx(0.8 / 2)
    assert values["location_f1"] == values["severity_f1"] == pytest.approx(0.4 / 2)
    assert values["objective"] == pytest.approx(0.6 / 2)
    assert [values[name] for name in ("completeness", "readability", "terminology")] == [0.25, 0.5, 0.45]
    assert values["gema_style"] == pytest.approx((0.6 + 0.8) / 2 / 2)
    assert values["unusable"] == 0
    assert len(local_endpoint.requests) == 4
    assert "weights:equal" in result.signatures["gema_style"]


@pytest.mark.parametrize(
    "words",
    [
        agents([match(1, 1), match(1, 2)]),  # one finding in two matches
        agents([match(3, 1)]),  # the candidate has two findings
        agents([match(1, 4)]),
        agents(MATCHES, rated={**RATED, "readability": 11}),
        agents(MATCHES, names=()),  # the reference has words, so it has findings
        lambda _: "Excellent.",
    ],
)
def test_gema_style_garbage_is_0_and_counted(local_endpoint, backing, words):
    local_endpoint.words = words
    result = scored(backing, PAIR, name="gema_style")
    assert all(value == 0 for name, value in result.scores.items() if not name.endswith("unusable"))
    assert result.scores["gema_style_unusable"] == 1


def test_a_candidate_without_findings_keeps_its_ratings_only(local_endpoint, backing):
    extracted = agents(MATCHES)
    local_endpoint.words = lambda request: (
        '{"findings": []}'
        if request["messages"][0]["content"].startswith("List") and "Large" in str(request)
        else extracted(request)
    )
    values = scored(backing, PAIR, name="gema_style").scores
    assert (values["gema_style_objective"], values["gema_style_unusable"]) == (0, 0)
    assert values["gema_style"] == pytest.approx(0.8 / 2)
