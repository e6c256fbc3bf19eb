"""The peer of findings.py: medspacy's default pipeline, run in an environment of its own on the same texts.

Standard input: {"targets": {class: [phrase, ...]}, "texts": [text, ...]}. Standard output: {"present": [[class, ...],
...], "seconds": processor time}. A class is present where one of its phrases is found that ConText, with its default
rules, calls neither negated, uncertain, historical, hypothetical nor of the family.
"""

import json
import sys
import time

from loguru import logger

logger.remove()  # its sentence splitter logs every token

import medspacy  # noqa: E402
from medspacy.ner import TargetRule  # noqa: E402

FLAGS = ("is_negated", "is_uncertain", "is_historical", "is_hypothetical", "is_family")


def main() -> None:
    asked = json.load(sys.stdin)
    nlp = medspacy.load()
    rules = [TargetRule(phrase, name) for name, phrases in asked["targets"].items() for phrase in phrases]
    nlp.get_pipe("medspacy_target_matcher").add(rules)
    nlp("Small right effusion.")
    begin = time.process_time()
    present = []
    for document in nlp.pipe(asked["texts"]):
        stated = (entity for entity in document.ents if not any(getattr(entity._, flag) for flag in FLAGS))
        present.append(sorted({entity.label_ for entity in stated}))
    json.dump({"present": present, "seconds": time.process_time() - begin}, sys.stdout)


if __name__ == "__main__":
    main()
