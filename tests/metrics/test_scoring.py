import subprocess
import sys

import pytest

from radtrace.errors import RecipeError
from radtrace.metrics import METRICS, PRESETS, Pair, metric, score
from radtrace.metrics.pairs import chunked
from radtrace.metrics.scoring import OF_TRACES

PRESET = PRESETS["r2gen"]
FAST = [name for name in METRICS if name not in {"meteor", "meteor_nltk"} | OF_TRACES]


def test_every_name_leads_to_a_metric():
    for name in METRICS:
        assert callable(metric(name))


def test_an_unknown_name_is_answered():
    with pytest.raises(RecipeError, match="did you mean 'rouge_l'"):
        metric("rogue_l")


def test_chunks_change_no_value(pairs):
    whole = [*pairs, Pair("failed", None, "Clear."), Pair("missing", "x", None), Pair("blank", "x", " ")]
    once, chunks = score([whole], FAST, PRESET), score(chunked(whole, 2), FAST, PRESET)
    assert (once.n, once.failed, once.unscored) == (chunks.n, chunks.failed, chunks.unscored) == (6, 1, 2)
    assert chunks.signatures == once.signatures
    assert chunks.scores == pytest.approx(once.scores, abs=1e-12)


def test_a_chunk_without_references_changes_nothing(pairs):
    names = ["bleu", "chexpert_rules", "rouge_l"]
    nothing = [Pair(f"no-{pair.id}", "Clear.", None) for pair in pairs]
    for chunks in ([pairs, nothing], [nothing, pairs]):
        assert score(chunks, names, PRESET).scores == pytest.approx(score([pairs], names, PRESET).scores, abs=1e-12)


def test_each_chunk_is_told_with_its_values(pairs):
    seen = []
    score(chunked(pairs, 2), ["bleu_4"], PRESET, lambda chunk, scores: seen.append((len(chunk), scores)))
    assert [(count, [one.name for one in scores]) for count, scores in seen] == [(2, ["bleu_4"])] * 2 + [
        (1, ["bleu_4"])
    ]


def test_a_metric_is_called_once_and_gives_what_was_asked_for(pairs):
    assert list(score([pairs], ["rouge_l", "bleu_4", "bleu_1"], PRESET).scores) == ["rouge_l", "bleu_1", "bleu_4"]
    assert list(score([pairs], ["bleu_2", "bleu"], PRESET).scores) == ["bleu_1", "bleu_2", "bleu_3", "bleu_4"]


def test_signatures_name_variant_tokeniser_case_and_version(pairs):
    from radtrace import __version__

    signatures = score([pairs], FAST, PRESET).signatures
    assert signatures["bleu_4"] == f"bleu_4|variant:coco|tok:r2gen|case:lower|smooth:none|v:radtrace {__version__}"
    assert len(set(signatures.values())) == len(signatures)
    for name, signature in signatures.items():
        assert signature.startswith(f"{name}|")
        assert signature.endswith(f"|v:radtrace {__version__}")


def test_the_metrics_load_beside_any_trainer_without_its_libraries():
    script = "import sys, radtrace.metrics; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"torch", "nltk", "sacrebleu", "rouge_score", "pyarrow"} & set(done.stdout.split())
