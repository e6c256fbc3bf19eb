"""Report arena: pairs of reports, judged; battles, ranked.

Source:  DeepMedix-R1, "Report Arena"; Chiang et al., "Chatbot Arena", 2024.
"""

from radtrace.arena.agreement import agreement, by_rater, cohen_kappa, krippendorff_alpha, verdicts_of
from radtrace.arena.battles import Battle, read_battles
from radtrace.arena.imports import import_battles
from radtrace.arena.ranking import Ranking, fit

__all__ = [
    "Battle",
    "Ranking",
    "agreement",
    "by_rater",
    "cohen_kappa",
    "fit",
    "import_battles",
    "krippendorff_alpha",
    "read_battles",
    "verdicts_of",
]
