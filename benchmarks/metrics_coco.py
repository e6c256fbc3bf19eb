"""The peer of metrics.py: pycocoevalcap's BLEU and ROUGE-L, run in an environment of its own on the same texts.

Standard input: {"pairs": [[prediction, reference], ...], "repeats": N}. Standard output: {"scores": [BLEU-1, ...,
BLEU-4, ROUGE-L], "seconds": [[BLEU, ROUGE-L], ...]} in processor time.
"""

import json
import sys
import time

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.rouge.rouge import Rouge


def main() -> None:
    asked = json.load(sys.stdin)
    predictions = {number: [pair[0]] for number, pair in enumerate(asked["pairs"])}
    references = {number: [pair[1]] for number, pair in enumerate(asked["pairs"])}
    seconds = []
    for _ in range(asked["repeats"]):
        begin = time.process_time()
        bleu, _ = Bleu(4).compute_score(references, predictions, verbose=0)
        between = time.process_time()
        rouge, _ = Rouge().compute_score(references, predictions)
        seconds.append([between - begin, time.process_time() - between])
    json.dump({"scores": [*bleu, float(rouge)], "seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
