"""`radtrace predict`: a model reads a dataset, and what it writes can be scored.

    predictions.jsonl   one line a study, on the disk when it is read: {"id", "text", "trace"}, text being the findings
                        section; {"id", "text": null, "stage", "reason"} of a study that could not be read, which stays
                        in every denominator
    references.jsonl    {"id", "text"} of the same studies, text null where there is no report
    pictures/           the localized images that the traces name
    data/*.parquet      the traces as `radtrace build` writes them, once all studies are read
    rejected.jsonl      what the source itself could not give as a study

Interrupted, the same command reads the studies that have no line yet.
"""

from radtrace.evaluate.predict.recipe import PredictRecipe
from radtrace.evaluate.predict.running import Predicted, predict

__all__ = ["PredictRecipe", "Predicted", "predict"]
