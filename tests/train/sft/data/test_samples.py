import numpy as np
import pytest
import torch

from radtrace.dialects import dialect
from radtrace.geometry import Box
from radtrace.models.vocabulary import ImageVocabulary
from radtrace.models.words import learn_words
from radtrace.reader.prompt import Wording
from radtrace.records import Finding, LocalizedImage, Region, Report, Step, Trace, View
from radtrace.train.sft.data.samples import NO_LOSS, PICTURE, TEXT, Drawn, learnable, sample_of, truths_of

WORDS = learn_words(["The heart is large. No effusion."], 300, 8)
WORDING = Wording(WORDS, ImageVocabulary(WORDS.get_vocab(), 8, WORDS.get_vocab_size()), glances=2, grid=2)
DIALECT = dialect("radtrace", {"findings": True})
BOX = Box.of((0.1, 0.2, 0.5, 0.6))

OPEN = '<step region="cardiac silhouette"><findings>none</findings>'
CLOSE = "\n<box>100,200,500,599</box></step>\n"


def step(words: str, *findings: Finding) -> Step:
    place = Region(name="cardiac silhouette", box=BOX, view_id="v", origin="localizer")
    picture = LocalizedImage(kind="grid", uri="1.png", box=BOX)
    return Step(domain="mediastinal", regions=(place,), rationale=words, findings=findings, box=BOX, image=picture)


def trace(*steps: Step, findings: str = "The heart is large.") -> Trace:
    view = View(id="v", uri="v.png", width=100, height=100)
    return Trace(study_id="s", view=view, steps=steps, report=Report(findings=findings))


def test_what_compares_with_an_earlier_film_is_not_learnt() -> None:
    worse = Finding(label="Cardiomegaly", status="present", change="worse")
    learnt = learnable(trace(step("The heart is large.", worse), step("Unchanged XXXX.")))
    assert learnt is not None
    assert [each.rationale for each in learnt.steps] == ["The heart is large."]
    assert learnt.steps[0].findings[0].change is None
    assert learnable(trace(step("The heart is large."), findings="Unchanged from prior.")) is None
    assert learnable(trace(step("Stable heart."))) is None


def test_the_prompt_has_no_loss_and_pictures_are_told_apart() -> None:
    learnt = learnable(trace(step("The heart is large."), step("No effusion.")))
    assert learnt is not None
    film = torch.tensor([[0, 1], [2, 3]])
    sample = sample_of(learnt, DIALECT, WORDING, np.zeros(0, np.float32), film, (Drawn((0, 2), (0, 2)), None))
    prompt = len(WORDING.prompt(film).ids)
    assert (sample.kinds[:prompt] == NO_LOSS).all()
    assert set(sample.kinds[prompt:]) == {TEXT, PICTURE}
    drawn = sample.kinds == PICTURE
    assert [WORDS.id_to_token(int(token)) for token in sample.ids[drawn]] == [
        "<racm3:break>",
        "IMGIMGAZ",
        "IMGIMGCZ",
        "<eoss>",
    ]
    assert sample.cells[drawn].tolist() == [0, 2, -1, -1]
    assert WORDS.id_to_token(int(sample.ids[-1])) == "</s>"
    text = WORDS.decode(sample.ids[(sample.kinds == TEXT)].tolist(), skip_special_tokens=True)
    assert text == (
        f"{OPEN}The heart is large.{CLOSE}{OPEN}No effusion.{CLOSE}<report>FINDINGS: The heart is large.</report>"
    )


def test_without_the_film_nothing_is_drawn() -> None:
    learnt = learnable(trace(step("The heart is large.")))
    assert learnt is not None
    sample = sample_of(learnt, DIALECT, WORDING, np.zeros(0, np.float32))
    assert PICTURE not in sample.kinds
    assert (sample.cells == -1).all()


def test_what_a_report_does_not_name_is_absent() -> None:
    truths = truths_of(Report(findings="There is a small right pleural effusion."), ("Pleural Effusion", "Fracture"))
    assert truths == pytest.approx([1.0, 0.0])
