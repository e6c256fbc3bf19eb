"""A small reader with random weights, whole on the disk."""

from pathlib import Path

from tests import tiny

from radtrace.anatomy import FINDINGS
from radtrace.decode.words import known_words
from radtrace.models.encoder import WEIGHTS, EncoderConfig, FilmEncoder, Told, save_encoder
from radtrace.models.words import END, FILM, PAD, learn_words
from radtrace.reader.bundle import WORDS, Policy, save_policy

LABELS = ("Abnormal", "Cardiomegaly", "Pleural Effusion", "Pleural Effusion, right", "Fracture")
CODES, GRID = 16, 4
VQ = tiny.vq(in_channels=4, channel_multiplier=[1, 1], patch_size=2, cellwise=True)
SAID = (
    '<step region="mediastinum, cardiac silhouette"><findings>cardiomegaly absent</findings>The heart is normal.\n<box>'
    "100,200,300,456</box></step>\n<report>FINDINGS: No pleural effusion. IMPRESSION: Normal.</report>"
)


def save_tiny(path: Path) -> None:
    """Write a reader of 16 x 16 pictures in 4 x 4 codes."""
    words = learn_words([SAID] * 4, 350, CODES)
    vocabulary = words.get_vocab()
    model = tiny.model(
        words.get_vocab_size(),
        intermediate_size=64,
        max_position_embeddings=2048,
        pad_token_id=vocabulary[PAD],
        eos_token_id=vocabulary[END],
        initializer_range=0.3,
        vq_config=VQ,
        vocabulary_map=vocabulary,
        told="decisions",
        lexicon=known_words([SAID] * 2),
        facts=len(LABELS),
        glances=2,
        film_token_id=vocabulary[FILM],
        cells=GRID,
    )
    model.save_pretrained(path)
    words.save(str(path / WORDS))
    network = FilmEncoder(EncoderConfig(LABELS, side=32, widths=(4, 8), features=8)).eval()
    save_encoder(network, {label: Told(prevalence=0.1) for label in LABELS}, path)
    assert (path / WEIGHTS).exists()
    save_policy(Policy(present={"Cardiomegaly": 0.3, "Pleural Effusion": 0.9}), path)
    assert set(LABELS) & set(FINDINGS) > {"Cardiomegaly", "Fracture"}
