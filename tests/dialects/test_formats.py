"""How each dialect looks, worked by hand: heart box (.25, .5, .75, .875) of a 2048 x 2048 film."""

import pytest

from radtrace.config import DIALECTS, resolve
from radtrace.dialects import Dialect, Picture, dialect, written
from radtrace.errors import InputError, RecipeError
from radtrace.records import View

REPORT = "FINDINGS: The heart is mildly enlarged. IMPRESSION: Mild cardiomegaly."

LOOKS = {
    # .25 * 999 = 249.75, .5 * 999 = 499.5, .75 * 999 = 749.25, .875 * 999 = 874.1
    "radtrace": (
        '<step region="cardiac silhouette">The heart is mildly enlarged.\n'
        "<box>250,500,749,874</box>(heart.png)</step>\n"
        '<step region="general">A button overlies the film.</step>\n'
        f"<report>{REPORT}</report>"
    ),
    # of 336: 84, 168, 252, 294
    "mmrad": (
        "First, I need to analyze the mediastinal region. I will highlight the cardiac silhouette. (heart.png) "
        "The bounding box of this area is [84, 168, 252, 294]. The heart is mildly enlarged.\n"
        "Next, I need to analyze the general region. A button overlies the film.\n"
        f"Summarizing the previous analysis, I will generate the following report: {REPORT}"
    ),
    # of 512: 128, 256, 384, 448
    "deepmedix": (
        "<think>\n1. cardiac silhouette [128, 256, 384, 448]: The heart is mildly enlarged.\n"
        "2. general: A button overlies the film.\n</think>\n"
        f"\\boxed{{{REPORT}}}"
    ),
    "chestx": (
        "<think>First, assess the cardiac silhouette. The heart is mildly enlarged.\n"
        "Finally, assess the rest of the film. A button overlies the film.</think>\n"
        f"<answer>{REPORT}</answer>"
    ),
    # 2048 / 4 = 512
    "boxmed": (
        "<think>\nFindings: The heart is mildly enlarged. → Disease: Cardiomegaly → Anatomy: cardiac silhouette"
        " → Box: [128, 256, 384, 448]\n"
        "Findings: A button overlies the film. → Disease: No Finding → Anatomy: general\n</think>\n"
        f"<answer>{REPORT}</answer>"
    ),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_dialect_looks_as_its_paper_has_it(name, two_steps):
    segments = dialect(name).render(two_steps)
    shown = "".join(f"({s.image.uri})" if isinstance(s, Picture) else s.text for s in segments)
    assert shown == LOOKS[name]


def test_every_dialect_of_the_table_is_shown():
    assert set(LOOKS) == set(DIALECTS)
    assert all(issubclass(resolve(DIALECTS, name, "dialect"), Dialect) for name in DIALECTS)


def test_a_decision_stands_before_the_words(two_steps):
    text = written(dialect("radtrace", {"findings": True}).render(two_steps))
    assert '<step region="cardiac silhouette"><findings>cardiomegaly present mild</findings>The heart' in text
    assert '<step region="general"><findings>none</findings>A button' in text


def test_boxmed_names_the_papers_areas_and_categories(two_steps):
    sides = [
        region.model_copy(update={"name": name})
        for region in two_steps.steps[0].regions
        for name in ("right lung", "left lung")
    ]
    seen = [
        two_steps.steps[0].findings[0].model_copy(update={"label": label})
        for label in ("Pacemaker", "Granuloma", "Edema")
    ]
    step = two_steps.steps[0].model_copy(update={"domain": "lung", "regions": tuple(sides), "findings": tuple(seen)})
    by = dialect("boxmed")
    segments = by.render(two_steps.model_copy(update={"steps": (step,)}))
    assert "→ Disease: Support Devices, Granuloma, Edema → Anatomy: whole lung →" in written(segments)
    (again,) = by.parse(segments, two_steps.view).steps
    assert [region.name for region in again.regions] == ["right lung", "left lung"]
    assert [finding.label for finding in again.findings] == ["Granuloma", "Edema"]


def test_boxes_in_pixels_need_the_size_of_the_film(two_steps):
    unsized = two_steps.model_copy(update={"view": View(id="v7", uri="")})
    assert dialect("deepmedix").render(unsized) == dialect("deepmedix").render(two_steps)
    with pytest.raises(InputError, match="v7: boxes in the frame 'quarter' need the film's width and height"):
        dialect("boxmed").render(unsized)


@pytest.mark.parametrize(
    ("name", "flags", "message"),
    [
        ("radtrac", {}, "did you mean 'radtrace'"),
        ("mmrad", {"frame": "squash-337"}, "did you mean 'squash-336'"),
        ("chestx", {"boxes": True}, "unknown setting 'boxes'"),
        ("pathlib:Path", {}, "is no Dialect"),
    ],
)
def test_a_wrong_name_or_flag_is_named(name, flags, message):
    with pytest.raises(RecipeError, match=message):
        dialect(name, flags)


def test_what_is_said_twice_is_decided_once(two_steps):
    heart = two_steps.steps[0]
    twice = two_steps.model_copy(update={"steps": (heart.model_copy(update={"findings": heart.findings * 2}),)})
    by = dialect("radtrace", {"findings": True})
    assert "<findings>cardiomegaly present mild</findings>" in written(by.render(twice))
    assert by.parse(by.render(twice), twice.view).steps[0].findings == heart.findings
