"""Tables with numbers by hand: columns, marks, averages, refusals, renderings."""

import json

import pytest

from radtrace.errors import InputError
from radtrace.evaluate.columns import SHAPES, group, ordered
from radtrace.evaluate.rendering import number, to_json, to_latex, to_markdown
from radtrace.evaluate.runs import by_stratum, read_runs
from radtrace.evaluate.tables import TABLES, Drawing, table

DRAWING = Drawing(resamples=200)


def _values(made):
    return {row.heads[0]: [cell.value for cell in row.cells] for block in made.blocks for row in block.rows}


def _marks(made):
    return {row.heads[0]: [cell.mark for cell in row.cells] for block in made.blocks for row in block.rows}


def test_clinical_columns_stand_before_language():
    names = ["bleu_1", "cider_d", "chexpert_rules_micro_f1", "radrscore", "rouge_l", "radgraph_er", "gen", "zebra"]
    assert ordered(names) == [
        "chexpert_rules_micro_f1",
        "radgraph_er",
        "gen",
        "radrscore",
        "zebra",
        "bleu_1",
        "cider_d",
        "rouge_l",
    ]
    assert group("zebra") == "Other"
    assert set(TABLES) == {"all", "classes", *SHAPES}
    for columns in SHAPES.values():
        language = [column.group in ("NLG", "Language") for column in columns]
        assert language == sorted(language)


def test_best_and_second_best_are_marked_by_what_is_shown(write_scores):
    scores = {"a": (0.5, 3.0), "b": (0.5004, 2.0), "c": (0.4, 1.0), "d": (0.3, 4.0)}
    signed = {"radcliq": "radcliq|better:lower|v:1"}
    files = [
        str(write_scores(f"{name}.jsonl", {"rouge_l": [high], "radcliq": [low]}, signatures=signed))
        for name, (high, low) in scores.items()
    ]
    made = table(read_runs(files), "all", DRAWING)
    assert [column.title for column in made.columns] == ["radcliq", "rouge_l"]
    # .500 and .500 are alike at three digits; of the costs 1 is best, 2 second.
    assert _marks(made) == {"a": [0, 1], "b": [2, 1], "c": [1, 2], "d": [0, 0]}
    exact = table(read_runs(files), "all", Drawing(resamples=200, digits=4))
    assert [marks[1] for marks in _marks(exact).values()] == [2, 1, 0, 0]
    two = table(read_runs(files[:2]), "all", DRAWING)
    assert _marks(two) == {"a": [0, 0], "b": [1, 0]}  # of two only the better; what is all alike has no best
    assert _marks(table(read_runs(files[:1]), "all", DRAWING)) == {"a": [0, 0]}


def test_failed_predictions_count_and_unscored_samples_do_not(write_scores):
    path = write_scores("m.jsonl", {"rouge_l": [0.6, 0.0, None]}, failed=[False, True, False])
    made = table(read_runs([f"Ours={path}"]), "all", DRAWING)
    assert _values(made) == {"Ours": [0.3]}
    assert made.blocks[0].rows[0].heads == ("Ours", "2", "1")
    interval = made.blocks[0].rows[0].cells[0].interval
    assert 0 <= interval.low <= 0.3 <= interval.high <= 0.6


def test_the_average_over_splits_is_weighted_by_samples(write_scores):
    big = write_scores("big.jsonl", {"bleu_1": [0.2] * 6})
    small = write_scores("small.jsonl", {"bleu_1": [0.8] * 2})
    made = table(read_runs([f"m@MIMIC={big}", f"m@Open-I={small}", f"half@MIMIC={big}"]), "deepmedix", DRAWING)
    assert [block.title for block in made.blocks] == ["MIMIC", "Open-I", "Weighted average"]
    place = [column.title for column in made.columns].index("B-1")
    last = made.blocks[-1].rows
    assert [row.heads[0] for row in last] == ["m"]  # the other has no figures of the second split
    assert last[0].cells[place].value == pytest.approx((6 * 0.2 + 2 * 0.8) / 8)
    assert last[0].heads[1] == "8"
    assert last[0].cells[-1].value is None  # no plain average of the row without all of its figures


def test_the_average_of_a_row_is_plain(write_scores):
    names = [column.metrics[0] for column in SHAPES["deepmedix"]]
    path = write_scores("all.jsonl", {name: [k / 20, k / 20] for k, name in enumerate(names)})
    made = table(read_runs([str(path)]), "deepmedix", DRAWING)
    assert made.columns[-1].title == "Average"
    assert made.blocks[0].rows[0].cells[-1].value == pytest.approx(sum(range(len(names))) / 20 / len(names))
    assert made.blocks[0].rows[0].cells[-1].interval is not None


def test_the_shapes_of_mmrad(write_scores, tmp_path):
    runs = []
    for model, strategy, value in (("G", "Text-only", 0.2), ("G", "Multimodal", 0.3), ("H", "Text-only", 0.5)):
        path = write_scores(f"{model}{strategy}.jsonl", {"bleu_1": [value, value], "rouge_l": [value, value]})
        runs.append(f'[[runs]]\nmodel = "{model}"\nscores = "{path}"\nstrategy = "{strategy}"\ngroup = "{model} group"')
    (tmp_path / "runs.toml").write_text("\n".join(runs))
    read = read_runs([str(tmp_path / "runs.toml")])
    second = table(read, "mmrad2", DRAWING)
    assert second.heads == ("Model", "CoT strategy", "n", "failed")
    place = [column.title for column in second.columns].index("B-1")
    marks = [row.cells[place].mark for block in second.blocks for row in block.rows]
    assert marks == [0, 1, 0]  # within each model
    third = table([read[1], read[2]], "mmrad3", DRAWING)
    assert [block.title for block in third.blocks] == ["G group", "H group"]
    place = [column.title for column in third.columns].index("R-L")
    assert [block.rows[0].cells[place].mark for block in third.blocks] == [0, 1]  # over all groups
    assert "Not scored in any file: RG_er, RG_ber, Gen., Sem., Grd., MTR." in third.notes
    with pytest.raises(InputError, match="'G' stands twice"):
        table([read[0], read[0]], "mmrad2", DRAWING)


def test_a_metric_computed_in_two_ways_has_no_column(write_scores):
    files = [
        write_scores("a.jsonl", {"rouge_l": [0.1], "bleu_1": [0.1]}),
        write_scores("b.jsonl", {"rouge_l": [0.2], "bleu_1": [0.1]}, signatures={"rouge_l": "rouge_l|stem|v:1"}),
    ]
    made = table(read_runs(list(map(str, files))), "all", DRAWING)
    assert [column.title for column in made.columns] == ["bleu_1"]
    assert made.refused == {"rouge_l": ("rouge_l|v:1", "rouge_l|stem|v:1")}


def test_classes_are_blocks_of_their_own(write_scores):
    names = [
        f"rules_{figure}_{label}"
        for label in ("edema", "lung_opacity")
        for figure in ("f1", "sensitivity", "specificity")
    ]
    paths = [
        str(write_scores(f"{model}.jsonl", {key: [value] for key in ["bleu_1", "rules_f1_alone", *names]}))
        for model, value in (("a", 0.1), ("b", 0.2))
    ]
    made = table(read_runs(paths), "classes", DRAWING)
    assert [block.title for block in made.blocks] == ["Edema (rules)", "Lung Opacity (rules)"]
    assert [column.title for column in made.columns] == ["Sensitivity", "Specificity", "F1"]
    assert [[cell.mark for cell in row.cells] for row in made.blocks[1].rows] == [[0, 0, 0], [1, 1, 1]]
    every = table(read_runs(paths), "all", DRAWING)
    assert [column.title for column in every.columns] == ["rules_f1_alone", "bleu_1"]
    changed = write_scores("c.jsonl", {key: [0.3] for key in names}, signatures={names[0]: "other"})
    made = table(read_runs([paths[0], str(changed)]), "classes", DRAWING)
    assert [block.title for block in made.blocks] == ["Lung Opacity (rules)"]
    assert set(made.refused) == {"rules_f1_edema"}
    with pytest.raises(InputError, match="no class has"):
        table(read_runs([str(write_scores("d.jsonl", {"bleu_1": [0.1]}))]), "classes", DRAWING)


def test_blocks_of_strata(write_scores):
    strata = [{"source": "x"}, {"source": "y"}, {"source": "y"}]
    path = write_scores("m.jsonl", {"rouge_l": [0.3, 0.5, 0.7]}, strata=strata)
    made = table(by_stratum(read_runs([str(path)]), "source"), "all", DRAWING)
    figures = [(block.title, block.rows[0].cells[0].value) for block in made.blocks]
    assert figures == [("source: x", pytest.approx(0.3)), ("source: y", pytest.approx(0.6))]
    with pytest.raises(InputError, match=r"m\.jsonl: no stratum 'steps'"):
        by_stratum(read_runs([str(path)]), "steps")


def test_wrong_names_are_answered(write_scores):
    runs = read_runs([str(write_scores("m.jsonl", {"rouge_l": [0.3]}))])
    with pytest.raises(InputError, match="did you mean 'rouge_l'"):
        table(runs, "all", DRAWING, ["rouge"])
    with pytest.raises(InputError, match="no name before"):
        read_runs(["=m.jsonl"])


def test_renderings_keep_hostile_names_as_words(write_scores):
    path = write_scores("m.jsonl", {"rouge_l": [0.25, 0.75]})
    other = write_scores("n.jsonl", {"rouge_l": [0.25, 0.25]})
    name = r"a|b*_c_<i>&50%\$"
    made = table(read_runs([f"{name}={path}", f"plain={other}"]), "all", DRAWING)
    markdown = to_markdown(made, 2)
    assert r"| a\|b\*\_c\_\<i\>&50%\\$ | 2 | 0 | **0.50** [0.25, 0.75] |" in markdown
    assert "| plain | 2 | 0 | 0.25 [0.25, 0.25] |" in markdown
    latex = to_latex(made, 2)
    assert r"a\textbar{}b*\_c\_\textless{}i\textgreater{}\&50\%\textbackslash{}\$ & 2 & 0 & \textbf{0.50}" in latex
    assert r"\multicolumn{1}{c}{Language}" in latex
    assert latex.count("{") == latex.count("}")
    answer = json.loads(json.dumps(to_json(made)))
    assert answer["rows"][0]["figures"] == [{"value": 0.5, "ci": [0.25, 0.75], "rank": 1}]
    assert answer["rows"][0]["n"] == 2
    assert answer["rows"][0]["model"] == name


def test_numbers_are_shown_without_a_negative_zero():
    assert number(-0.0001, 3) == "0.000"
    assert number(0.12345, 3) == "0.123"
    assert number(-1.5, 1) == "-1.5"


def test_the_headline_is_one_figure_of_each_metric_that_was_scored(write_scores):
    names = ["bertscore", "bertscore_recall", "green", "green_errors_a", "radcliq_v1", "ratescore_radtrace"]
    names += ["chexbert_micro_f1", "chexpert_rules_micro_f1", "chexbert_similarity", "bleu_4"]
    first = write_scores("a.jsonl", {name: [0.5] for name in names})
    second = write_scores("b.jsonl", {"cider_d": [0.5]})
    made = table(read_runs([str(first), str(second)]), "headline", DRAWING)
    titles = ["Micro-14", "CheXbert cos.", "RaTEScore", "GREEN", "RadCliQ-v1", "B-4", "CIDEr-D", "BERTScore"]
    assert [column.title for column in made.columns] == titles
