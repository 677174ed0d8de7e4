"""One plain sentence for each result, fit to be quoted: what was seen, how sure, on how many tasks.

Rates are told in points of a hundred, scores in points of their scale. What does not follow from the figures is not
said: a difference whose interval holds zero is called not established, and never "no difference".
"""

from __future__ import annotations

from typing import Any

from app.stats import Comparison, Interval

SMALLEST_P = 1e-300


def of_run(name: str, made: Any, quoted: Interval | None, best: Interval | None, *, rate: bool, what: str) -> str:
    """What may be said of one run; ``made`` is its `MeanEstimate`, ``quoted`` the interval asked for.

    ``best`` is the recommended interval of the answer, which over clusters is not that of ``made``.
    """
    value = f"{percent(made.estimate)} % of" if rate else f"{plain(made.estimate)} on"
    verb = _VERBS.get(what, f"has {what} on") if rate else f"has a mean {what} of"
    missing = f"; {made.missing} more had no verdict" if made.missing else ""
    return f"{name} {verb} {value} {count(made.n, 'task')}, {_sureness(quoted, best, rate)}{missing}."


_VERBS = {"passed": "passes"}


def of_comparison(
    name_a: str,
    name_b: str,
    made: Comparison,
    quoted: Interval | None,
    best: Interval | None,
    p: float,
    conclusion: str,
    *,
    what: str,
) -> str:
    """What may be said of b against a; ``p`` is the exact two-sided p before any correction.

    ``best`` is the recommended interval of the answer, which over clusters is not that of ``made``.
    """
    rate = made.metric == "rate"
    tasks = count(made.n_judged, "shared task")
    if what == "passed":
        verb = "passes"
        size = f"{points(abs(made.delta))} points {'more' if made.delta > 0 else 'less'} often than {name_a}"
    elif rate:
        verb = "has"
        size = f"{what} {points(abs(made.delta))} points {'more' if made.delta > 0 else 'less'} often than {name_a}"
    else:
        verb = "scores"
        size = f"{plain(abs(made.delta))} points {'higher' if made.delta > 0 else 'lower'} than {name_a} ({what})"
    if made.delta == 0.0:
        size = f"as often as {name_a}" if rate else f"as high as {name_a} ({what})"
        verb = verb if what == "passed" or not rate else f"has {what}"
    end = "" if conclusion != "undecided" else "; the difference is not established"
    return f"{name_b} {verb} {size} on {tasks}, {_sureness(quoted, best, rate)}, exact p = {p_value(p)}{end}."


def of_pairing(made: Comparison) -> str:
    """What pairing did to the interval, and whether it changed what may be concluded."""
    before, after = made.unpaired.percentile.width, made.paired.percentile.width
    if made.width_reduction is None or before == 0.0:
        effect = "Neither system varies, so pairing changes nothing"
    else:
        share = abs(1.0 - after / before)
        word = "narrows" if after < before else "widens" if after > before else "leaves"
        effect = (
            f"Pairing {word} the percentile interval by {percent(share)} %"
            if share
            else "Pairing leaves the width of the percentile interval as it is"
        )
    same = made.conclusion == made.conclusion_unpaired
    return f"{effect}; the conclusion {'stays the same' if same else 'changes'}."


def points(share: float) -> str:
    """A share of one in points of a hundred, with one decimal, without a sign of zero."""
    text = f"{100.0 * share:.1f}"
    return "0.0" if text == "-0.0" else text


def percent(share: float) -> str:
    """A share of one in percent: whole where it is whole, else to one decimal (two near one)."""
    for digits in (0, 1, 2, 3):
        if abs(100.0 * share - round(100.0 * share, digits)) < 1e-9:
            return f"{100.0 * share:.{digits}f}"
    return f"{100.0 * share:.1f}"


def plain(value: float) -> str:
    """A score to three significant digits or two decimals, whichever is more."""
    return f"{value:.2f}" if abs(value) >= 1.0 or value == 0.0 else f"{value:.3g}"


def p_value(p: float) -> str:
    """A p-value to two digits: 4.2e-7, 0.031, below 1e-300."""
    if p < SMALLEST_P:
        return "less than 1e-300"
    if p >= 0.001:
        return f"{p:.2g}"
    mantissa, _, exponent = f"{p:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def count(n: int, noun: str) -> str:
    """A number with thousands apart, and its noun."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _range(shown: Interval, rate: bool) -> str:
    tell = points if rate else plain
    return f"{tell(shown.lo)} to {tell(shown.hi)}"


def _sureness(quoted: Interval | None, best: Interval | None, rate: bool) -> str:
    """The interval asked for, or the recommended one in its place, and what stands beside it."""
    shown = quoted or best
    if shown is None:
        return "without an interval, because all items are one cluster"
    beside = "" if best is None else _beside(best, shown, rate)
    return f"{percent(shown.confidence)} % CI {_range(shown, rate)}{beside}"


def _beside(best: Interval, shown: Interval, rate: bool) -> str:
    """The recommended interval in brackets, where it reads differently from the one shown."""
    if _range(best, rate) == _range(shown, rate):
        return ""
    return f" ({best.method.split(',')[0].replace(' score', '')} {_range(best, rate)})"
