"""GREEN by its published model, asked and read as green_score 0.0.12 does."""

from collections.abc import Sequence

from radtrace.metrics.backing import Backing
from radtrace.metrics.judged.causal import Causal, load_causal
from radtrace.metrics.judged.green import Counts, green_scores, read_response
from radtrace.metrics.pairs import Pair
from radtrace.metrics.presets import Preset
from radtrace.metrics.scores import Score
from radtrace.metrics.scoring import Metric

HOW = "the hub's StanfordAIMI/GREEN-RadLlama2-7b (Llama 2 licence) in a folder with a tokenizer.json, see docs/score.md"
LONGEST = 2048
"""Tokens of prompt and answer."""
_BATCH = 8
_WORDS = 300
"""Words of a report that are shown."""
_ASSISTANT = "<|assistant|>"
_EXPLANATION = "[Explanation]:"

# The instruction that the model was trained on, word for word (Stanford-AIMI/GREEN, MIT licence): it understands none
# other.
_PROMPT = """\
Objective: Evaluate the accuracy of a candidate radiology report in comparison to a reference radiology report \
composed by expert radiologists.

    Process Overview: You will be presented with:

    1. The criteria for making a judgment.
    2. The reference radiology report.
    3. The candidate radiology report.
    4. The desired format for your assessment.

    1. Criteria for Judgment:

    For each candidate report, determine:

    The count of clinically significant errors.
    The count of clinically insignificant errors.

    Errors can fall into one of these categories:

    a) False report of a finding in the candidate.
    b) Missing a finding present in the reference.
    c) Misidentification of a finding's anatomic location/position.
    d) Misassessment of the severity of a finding.
    e) Mentioning a comparison that isn't in the reference.
    f) Omitting a comparison detailing a change from a prior study.
    Note: Concentrate on the clinical findings rather than the report's writing style. Evaluate only the findings that \
appear in both reports.

    2. Reference Report:
    {reference}

    3. Candidate Report:
    {candidate}

    4. Reporting Your Assessment:

    Follow this specific format for your output, even if no errors are found:
    ```
    [Explanation]:
    <Explanation>

    [Clinically Significant Errors]:
    (a) <Error Type>: <The number of errors>. <Error 1>; <Error 2>; ...; <Error n>
    ....
    (f) <Error Type>: <The number of errors>. <Error 1>; <Error 2>; ...; <Error n>

    [Clinically Insignificant Errors]:
    (a) <Error Type>: <The number of errors>. <Error 1>; <Error 2>; ...; <Error n>
    ....
    (f) <Error Type>: <The number of errors>. <Error 1>; <Error 2>; ...; <Error n>

    [Matched Findings]:
    <The number of matched findings>. <Finding 1>; <Finding 2>; ...; <Finding n>
    ```
"""


def green(backing: Backing) -> Metric:
    """GREEN (Ostmeier et al., "GREEN: Generative Radiology Report Evaluation and Error Notation", 2024, Eq. 1).

    With the published weights these are the published numbers up to the arithmetic: half precision on a GPU, as there,
    single on a CPU. The scores are those of `green_scores`; a response without the published format is 0.

    Raises:  InputError where no checkpoint is named, or it cannot be loaded.
    """
    causal = load_causal(backing.checkpoint("green", HOW), "green")

    def scored(pairs: Sequence[Pair], _: Preset) -> list[Score]:
        return green_scores("green", pairs, _counts(causal, pairs), **_said(causal))

    return scored


def _said(causal: Causal) -> dict[str, object]:
    return {"weights": causal.digest, "dtype": causal.dtype, "longest": LONGEST, "words": _WORDS}


def _counts(causal: Causal, pairs: Sequence[Pair]) -> list[Counts | None]:
    """Each different pair of texts is read once."""
    prompts = [
        green_prompt(pair.wanted, pair.predicted, causal) if pair.scored and not pair.failed else "" for pair in pairs
    ]
    different = list(dict.fromkeys(filter(None, prompts)))
    answers = dict(zip(different, causal.complete(different, LONGEST, _BATCH), strict=True))
    return [_read(answers[prompt]) if prompt else None for prompt in prompts]


def _read(answer: str | None) -> Counts | None:
    return None if answer is None else read_response(cleaned(answer))


def green_prompt(reference: str, candidate: str, causal: Causal) -> str:
    """The prompt as the published chat template lays it out, an empty turn of the assistant's included.

    Marks of the template are taken out of the reports: a report cannot end its turn.
    """
    end = str(causal.tokenizer.eos_token)
    asked = instruction(*(text.replace(end, " ").replace("<|", " ") for text in (reference, candidate)))
    return f"<|user|>\n{asked}{end}\n{_ASSISTANT}\n{end}\n{_ASSISTANT}\n"


def instruction(reference: str, candidate: str) -> str:
    """The question about two reports, 300 words of each, their blanks evened out."""
    reference, candidate = (" ".join(text.split()[:_WORDS]) for text in (reference, candidate))
    return _PROMPT.format(reference=reference, candidate=candidate)


def cleaned(answer: str) -> str:
    """The last turn of the assistant's without the heading of its explanation."""
    last = answer.rsplit(_ASSISTANT, 1)[-1]
    return last.split(_EXPLANATION)[1] if _EXPLANATION in last else last
