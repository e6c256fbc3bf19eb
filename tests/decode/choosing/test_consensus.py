"""One trace of the steps of several samples."""

import pytest

from radtrace.decode.choosing.choice import report_of
from radtrace.decode.choosing.consensus import consensus
from radtrace.decode.writer import Draft, echo
from radtrace.dialects import dialect, segments_of
from radtrace.records import View

HEART = ("heart", "cardiomegaly absent", "The heart is normal in size.")
LUNGS = ("lungs", "consolidation absent", "The lungs are clear of consolidation.")
PLEURA = ("pleura", "pleural effusion absent", "There is no pleural effusion.")
BONES = ("bones", "none", "The bones are intact.")
PLACES = {
    "heart": "cardiac silhouette",
    "lungs": "right lung, left lung",
    "pleura": "right costophrenic angle, left costophrenic angle",
    "bones": "spine",
}


def draft(*steps: tuple[str, str, str], impression: str = "No acute disease.") -> Draft:
    texts = [
        f'<step region="{PLACES[place]}"><findings>{decision}</findings>{words}</step>\n'
        for place, decision, words in steps
    ]
    told = echo([words for _, _, words in steps])
    return Draft(
        f"{''.join(texts)}<report>FINDINGS: {told} IMPRESSION: {impression}</report>",
        words=[words for _, _, words in steps],
        steps=len(steps),
    )


def test_steps_of_different_samples_make_the_report_that_most_would_write() -> None:
    drafts = [draft(HEART, LUNGS), draft(LUNGS, PLEURA), draft(HEART, PLEURA), draft(HEART, LUNGS, BONES)]
    agreed = consensus(drafts, (), 6)
    assert agreed.words[:3] == [HEART[2], LUNGS[2], PLEURA[2]]
    assert report_of(agreed).findings.startswith(" ".join(agreed.words[:3]))
    assert report_of(agreed).impression == "No acute disease."
    parsed = dialect("radtrace", {"findings": True}).parse(segments_of(agreed.text, ()), VIEW)
    assert not parsed.problems
    assert [step.rationale for step in parsed.steps] == agreed.words


def test_no_more_steps_than_there_is_room_for() -> None:
    drafts = [draft(HEART, LUNGS), draft(LUNGS, PLEURA), draft(HEART, PLEURA)]
    assert len(consensus(drafts, (), 2).words) == 2


def test_a_step_that_belies_its_decision_gives_way_to_one_that_says_it() -> None:
    belied = ("lungs", "atelectasis present", "The lungs are clear.")
    said = ("lungs", "atelectasis present", "There is left basilar atelectasis.")
    agreed = consensus([draft(HEART, belied), draft(HEART, belied), draft(said)], ("Atelectasis",), 6)
    assert said[2] in agreed.words
    assert belied[2] not in agreed.words


def test_a_finding_that_is_there_stays_decided_whatever_its_words_say() -> None:
    belied = ("lungs", "atelectasis present", "No atelectasis.")
    agreed = consensus([draft(HEART, belied), draft(HEART, LUNGS, belied)], ("Atelectasis",), 6)
    assert "atelectasis present" in agreed.text


def test_nothing_is_said_twice_in_other_words() -> None:
    other = ("heart", "cardiomegaly absent", "Heart size is normal.")
    agreed = consensus([draft(HEART, LUNGS), draft(other, LUNGS), draft(HEART, PLEURA)], (), 6)
    assert len({HEART[2], other[2]} & set(agreed.words)) == 1


def test_what_the_best_sample_repeats_goes() -> None:
    again = ("pleura", "pleural effusion absent", "No effusion.")
    agreed = consensus([draft(HEART, LUNGS, PLEURA, again)] * 3, (), 6)
    assert sorted(agreed.words) in (sorted([HEART[2], LUNGS[2], each]) for each in (PLEURA[2], again[2]))


def test_no_finding_is_there_and_not_there() -> None:
    seen = ("pleura", "pleural effusion uncertain", "A small effusion cannot be excluded.")
    agreed = consensus([draft(HEART, seen), draft(HEART, PLEURA), draft(PLEURA, seen)], (), 6)
    assert not {seen[2], PLEURA[2]} <= set(agreed.words)


def test_the_impression_agrees_with_the_findings() -> None:
    effusion = ("pleura", "pleural effusion present", "There is a small left pleural effusion.")
    drafts = [draft(effusion), draft(effusion), draft(effusion, impression="Small left pleural effusion.")]
    drafts[0] = draft(effusion, impression="No pleural effusion. Pneumonia.")
    assert "Pneumonia" not in report_of(consensus(drafts, ("Pleural Effusion",), 6)).impression


def test_one_sample_is_its_own_consensus() -> None:
    alone = draft(HEART, LUNGS, BONES)
    assert consensus([alone], (), 6).text == alone.text


def test_nothing_to_compose() -> None:
    with pytest.raises(ValueError, match="empty"):
        consensus([], (), 6)


VIEW = View(id="v", uri="film.png", width=100, height=100)
