"""What was measured, for people: one table, clinical figures first."""

from collections.abc import Iterator, Mapping
from typing import Any

Part = Mapping[str, Any]
_NAME, _CELL = 50, 26
_HEADS = ("reader [95% interval]", "hardest floor", "p against it", "above all, p < .05", "dealt to others (p)")


def table(measured: Part) -> str:
    """Lines, parts apart."""
    return "\n".join(_lines(measured))


def _lines(measured: Part) -> Iterator[str]:
    yield f"{measured['studies']} studies, {measured['failed']} failed or refused (they count)"
    yield from _clinical(measured["clinical"])
    yield from _figures("language, findings section, preset r2gen", measured["language"])
    yield from _english(measured["english"])
    yield from _validity(measured["validity"])
    yield from _places(measured["places"])
    if "pointing" in measured:
        yield from _pointing(measured["pointing"])
    yield from _confidence(measured["confidence"])
    yield from _memory(measured["memory"])


def _clinical(part: Part) -> Iterator[str]:
    if "headline" not in part:
        yield from _absent("clinical", part)
        return
    yield from _figures(
        f"clinical: {part['labelled']} studies with gold labels, {part['normal']} normal", part["headline"]
    )
    exact = part["dealt"]
    for name in ("f1_not_normal", "false_alarms_on_normal"):
        cells = (_number(exact[name]["value"]), f"dealt {exact['deals']} times: {_number(exact[name]['dealt_mean'])}")
        yield _row(f"  placed: {name}", *cells, f"p {_number(exact[name]['p'], 4)} (one-sided)")
    for name, value in part["references"].items():
        yield _row(f"  references, same rules: {name.removeprefix('gold_')}", _number(value))
    alarms = part["any_finding_on_normal"]
    yield _row(
        "  any finding on normals, devices aside",
        _number(alarms["reader"]),
        f"references {_number(alarms['references'])}",
    )
    for name, figure in part["whole_report"].items():
        yield _row(f"  with the impression: {name.removeprefix('gold_')}", _valued(figure))
    yield _row("by class, 10 or more positives", "sensitivity", "specificity", "F1")
    for label, kinds in part["classes"].items():
        each = [_valued(kinds[kind]) for kind in ("sensitivity", "specificity", "f1")]
        yield _row(f"  {label} ({kinds['positives']})", *each)


def _figures(title: str, part: Part) -> Iterator[str]:
    yield ""
    yield _row(title, *_HEADS) if len(title) < _NAME else f"{title}\n{_row('', *_HEADS)}"
    for name, figure in part.items():
        if name == "absent":
            yield from (f"  {metric}: {why}" for metric, why in figure.items())
        else:
            yield _figure(name.removeprefix("gold_"), figure)


def _figure(name: str, figure: Part) -> str:
    hardest = figure.get("hardest_floor")
    if hardest is None:
        return _row(f"  {name}", _valued(figure))
    floor, dealt = figure["floors"][hardest], figure.get("dealt")
    beside = f"{_number(dealt['value'])} ({_number(dealt['p'], 4)})" if dealt else ""
    above = "yes" if figure["above_all_floors"] else "no"
    return _row(
        f"  {name}", _valued(figure), f"{_number(floor['value'])} {hardest}", _number(floor["p"], 4), above, beside
    )


def _english(part: Part) -> Iterator[str]:
    yield ""
    yield _row("English", "reader", "references")
    yield _row("  different reports", _number(part["different"]), _number(part["reference_different"]))
    yield _row("  without a fault of language", _number(part["clean"]))
    for name, fault in part["faults"].items():
        yield _row(
            f"  {name.replace('_', ' ')}",
            f"{_number(fault['share'])} ({fault['count']})",
            _number(fault["reference_share"]),
        )


def _validity(part: Part) -> Iterator[str]:
    yield ""
    yield _row("validity", "")
    yield _row("  whole, of all studies", _number(part["whole"]))
    yield _row("  whole, of the traces", _number(part["whole_of_traces"]), f"{part['traces']} traces")
    yield _row("  report against its own steps", _number(part["report_against_steps"]))
    for name in ("faults", "reasons", "pictures", "origins"):
        yield f"  {name}: {', '.join(f'{key} {count}' for key, count in part[name].items()) or 'none'}"


def _places(part: Part) -> Iterator[str]:
    if "grd" not in part:
        yield from _absent("places", part)
        return
    yield from _figures(
        "places", {"grd": part["grd"]} | {f"iou, {name}": each for name, each in part["by_domain"].items()}
    )
    yield f"  {part['note']}"
    drawing = part["drawing"]
    if "share_of_way" not in drawing:
        yield f"  drawn pictures: {drawing.get('absent') or drawing.get('note')}"
        return
    yield _row(f"  gen of {drawing['pictures']} drawn pictures, 256 px", _number(drawing["gen"]))
    yield _row(
        "  mean crop / tokenizer there", f"{_number(drawing['mean_crop'])} / {_number(drawing['reconstruction'])}"
    )
    yield _row("  share of the way", _valued(drawing["share_of_way"]))


def _pointing(part: Part) -> Iterator[str]:
    if "findings" not in part:
        yield from _absent("pointing", part)
        return
    yield ""
    yield _row(f"pointing, {part['findings']} drawn findings of {part['films']} films", "hits")
    if "told" in part:
        yield _row("  findings that a step states", _number(part["told"]))
    for name in ("stated", "stated_where_told", "constant_where_told", "attention", "constant"):
        if name in part:
            p = part["p_against_constant"].get(name)
            yield _row(
                f"  {name.replace('_', ' ')}",
                _valued(part[name]),
                "" if p is None else f"p against constant {_number(p, 4)}",
            )
    yield _row("  chance", _number(part["chance"]))
    yield f"  {part['note']}"


def _confidence(part: Part) -> Iterator[str]:
    if "reports" not in part:
        yield from _absent("confidence", part)
        return
    yield ""
    yield _row("confidence", "ECE", "Brier", "skill over prevalence", "judged (true)")
    for source in ("gold", "reports"):
        for name in ("all", "supported"):
            yield _confident(f"  {source}, {name}", part.get(source, {}).get(name, {}))
    for source in ("gold", "reports"):
        for name, figures in part.get(source, {}).get("findings", {}).items():
            yield _confident(f"  {source}: {name}", figures)
    reports = part["reports"]
    shares = _number(reports["assessed"]), _number(reports["positives_assessed"])
    yield f"  assessed: {shares[0]} of all study-finding pairs, {shares[1]} of those that are there"
    yield f"  never assessed: {', '.join(reports['never_assessed']) or 'none'}"


def _confident(name: str, figures: Part) -> str:
    if not figures.get("judged"):
        return _row(name, "-")
    said = (_valued(figures[key]) for key in ("ece", "brier", "brier_skill"))
    return _row(name, *said, f"{figures['judged']} ({figures['positives']})")


def _memory(part: Part) -> Iterator[str]:
    if "reader" not in part:
        yield from _absent("memory", part)
        return
    yield ""
    yield _row("repeats training reports", "reader", "references")
    for name, value in part["reader"].items():
        yield _row(f"  {name.replace('_', ' ')}", _number(value), _number(part["references"].get(name)))


def _absent(name: str, part: Part) -> Iterator[str]:
    yield ""
    yield f"{name}: {part['absent']}"


def _row(name: str, *cells: str) -> str:
    return f"{name:<{_NAME}}" + "".join(f"{cell:<{_CELL}}" for cell in cells).rstrip()


def _valued(figure: Part) -> str:
    bounds = figure.get("ci")
    beside = f" [{_number(bounds[0])}, {_number(bounds[1])}]" if bounds else ""
    return f"{_number(figure['value'])}{beside}"


def _number(value: float | None, digits: int = 3) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"
