"""How statistics look on a terminal and in a plot: the sentence first, then what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.forest import Drawing, Row, draw
from app.services.articles import Figure
from app.services.sentences import p_value, percent, plain, points

Answer = Mapping[str, Any]


def runs(console: Console, found: Sequence[Answer]) -> None:
    """Runs and their groups, one row each."""
    table = _table("run", "n", "missing", "estimate", "interval", "recommended", "method")
    for one in found:
        _run_row(table, one["name"], one)
        for kind, groups in (one.get("groups") or {}).items():
            for group in groups:
                _run_row(table, f"  {kind} {group['group'] or '(none)'}", group)
    for one in found:
        if one.get("sentence"):
            console.print(Text(one["sentence"], "bold"))
    console.print(table)
    for one in found:
        bounds = one["failure_bounds"]
        if one["missing"]:
            shown = ", ".join(f"{name} {_interval(bounds[name], one)}" for name in ("excluded", "as_fail", "as_pass"))
            console.print(Text(f"{one['name']}, missing verdicts: {shown}"))
        _warnings(console, one, f"{one['name']}: ")


def _run_row(table: Table, name: str, one: Answer) -> None:
    if "error" in one:
        table.add_row(Text(name), "", "", Text(one["error"]["message"]), "", "", "")
        return
    best = one["recommended"]
    cells = (_value(one["estimate"], one), _interval(one["interval"], one), _interval(best, one))
    table.add_row(Text(name), str(one["n"]), str(one["missing"]), *cells, best["method"] if best else "")


def comparison(console: Console, one: Answer) -> None:
    """One comparison: sentence, rates, intervals, tests, what pairing did, missing verdicts, warnings."""
    console.print(Text(one["sentence"], "bold"))
    head = _table("", "estimate", f"{percent(one['confidence'])} % interval", "method", "standard error")
    head.add_row(Text(one["name_a"]), _value(one["mean_a"], one))
    head.add_row(Text(one["name_b"]), _value(one["mean_b"], one))
    for way in ("paired", "unpaired"):
        for name in ("percentile", "bca", "recommended"):
            interval = one[way][name]
            label = f"{way}, {name}"
            if interval is None:
                head.add_row(label, "", "undefined")
                continue
            spread = one[way]["se"] if name == "percentile" else None
            shown = "" if spread is None else f"{spread:.4f}"
            head.add_row(label, _delta(one["delta"], one), _interval(interval, one), interval["method"], shown)
    console.print(head)
    if one["table"]:
        cells = one["table"]
        only = f"only {one['name_a']} {cells['only_a']}, only {one['name_b']} {cells['only_b']}"
        console.print(Text(f"both pass {cells['both']}, {only}, neither {cells['neither']}"))
    tests = [f"exact sign-flip p = {p_value(one['p_sign_flip'])}"]
    if one["p_mcnemar_exact"] is not None:
        tests.append(f"exact McNemar p = {p_value(one['p_mcnemar_exact'])}")
    if one["phi"] is not None:
        tests.append(f"correlation {one['phi']:.3f}")
    console.print(Text(", ".join(tests)))
    console.print(Text(one["pairing"]["sentence"]))
    alone = f"{one['only_a']} only in {one['name_a']}, {one['only_b']} only in {one['name_b']}"
    console.print(Text(f"{one['n_shared']} shared tasks, {one['n_judged']} judged for both; {alone}"))
    bounds = one["failure_bounds"]
    if one["n_judged"] < one["n_shared"] and bounds["delta_min"] is not None:
        reach = f"{_delta(bounds['delta_min'], one)} to {_delta(bounds['delta_max'], one)}"
        robust = {True: "stands whatever they are", False: "depends on them", None: "cannot be bounded"}
        console.print(Text(f"missing verdicts: difference {reach}; the conclusion {robust[one['conclusion_robust']]}"))
    if one.get("noninferiority"):
        test = one["noninferiority"]
        said = {True: "at most", False: "not shown to be at most", None: "undefined for"}[test["noninferior"]]
        told = f" (p = {p_value(test['p_noninferior'])})" if test["p_noninferior"] is not None else ""
        console.print(Text(f"{one['name_b']} is {said} {_delta(test['margin'], one)} worse{told}"))
    for kind, groups in (one.get("groups") or {}).items():
        table = _table(kind, "tasks", "difference", "interval", "recommended", "p", "adjusted")
        for group in groups:
            named = Text(group["group"] or "(none)")
            if "error" in group:
                table.add_row(named, "", Text(group["error"]["message"]))
                continue
            intervals = (_interval(group["interval"], group), _interval(group["paired"]["recommended"], group))
            p = [p_value(group[which]) for which in ("p_sign_flip", "p_adjusted")]
            table.add_row(named, str(group["n_judged"]), _delta(group["delta"], group), *intervals, *p)
        console.print(table)
    _warnings(console, one, "")


def articles(console: Console, figures: Sequence[Figure]) -> None:
    """What the articles say and what their data say."""
    table = _table("article", "figure", "said", "recomputed", "agree", "note")
    for one in figures:
        agree = Text("yes") if one.agrees else Text("NO", "bold red")
        table.add_row(one.article, Text(one.name), Text(one.said), Text(one.found), agree, Text(one.note, "dim"))
    console.print(table)
    wrong = sum(not one.agrees for one in figures)
    console.print(Text(f"{len(figures)} figures, {wrong} do not agree with the articles' own data.", "bold"))


def plot_runs(found: Sequence[Answer]) -> Drawing:
    """A forest plot of runs and their groups, by recommended interval."""
    rows: list[Row] = []
    for one in found:
        if one["recommended"] is not None:
            rows.append(_row(str(one["name"]), one["recommended"], one, strong=True))
        rows += [_row(label, group["recommended"], group) for label, group in _groups(one)]
    title = found[0]["sentence"] if len(found) == 1 and found[0].get("sentence") else "Stored runs"
    threshold = found[0].get("threshold")
    reference = None if threshold is None else threshold * _factor(found[0])
    return draw(title, f"{found[0]['metric']}{_unit(found[0])}, recommended intervals", rows, reference)


def plot_comparison(one: Answer) -> Drawing:
    """A forest plot of one comparison: paired and unpaired intervals, then groups."""
    rows: list[Row] = []
    for way in ("paired", "unpaired"):
        for name in ("percentile", "bca", "recommended"):
            interval = one[way][name]
            if interval is not None:
                strong = way == "paired" and name == "recommended"
                rows.append(_row(f"{way}, {interval['method']}", interval, one, strong=strong))
    rows += [_row(label, group["paired"]["recommended"], group) for label, group in _groups(one)]
    return draw(one["sentence"], f"{one['name_b']} minus {one['name_a']}{_unit(one)}", rows, 0.0)


def _groups(one: Answer) -> Iterator[tuple[str, Answer]]:
    for groups in (one.get("groups") or {}).values():
        for group in groups:
            if "error" not in group:
                yield f"   {group['group'] or '(none)'}", group


def _row(label: str, interval: Mapping[str, Any], one: Answer, *, strong: bool = False) -> Row:
    estimate, lo, hi = (interval[name] * _factor(one) for name in ("estimate", "lo", "hi"))
    return Row(label, estimate, lo, hi, strong)


def _factor(one: Answer) -> float:
    return 100.0 if one["unit"] == "rate" else 1.0


def _unit(one: Answer) -> str:
    return ", points of 100" if one["unit"] == "rate" else ""


def _value(value: float, one: Answer) -> str:
    return f"{points(value)} %" if one["unit"] == "rate" else plain(value)


def _delta(value: float, one: Answer) -> str:
    return points(value) if one["unit"] == "rate" else plain(value)


def _interval(interval: Mapping[str, Any] | None, one: Answer) -> str:
    if interval is None:
        return "undefined"
    tell = points if one["unit"] == "rate" else plain
    return f"{tell(interval['lo'])} to {tell(interval['hi'])}"


def _warnings(console: Console, one: Answer, before: str) -> None:
    for warning in one["warnings"]:
        console.print(Text(f"warning: {before}{warning['message']}", "yellow"))


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False, header_style="dim")
