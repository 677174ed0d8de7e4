"""What a reader must know before quoting a figure.

Why: most wrong claims from evaluation runs are not wrong arithmetic but a right figure of the wrong
thing - one constant outcome, a placeholder that alternates, two judges. What it refuses: to stop a
calculation; a caution is said beside the figure, never instead of it.
"""

from __future__ import annotations

import math

from app.stats.errors import BadInput
from app.stats.intervals import has_few_events
from app.stats.results import Caution, check_count
from app.stats.special import normal_cdf

#: With fewer tasks of different outcome no exact two-sided p can fall below .05 (2 / 2^5 = .0625).
FEWEST_DISCORDANT = 6

#: With fewer clusters a cluster interval is little more than a guess.
FEWEST_CLUSTERS = 10


def few_discordant(discordant: int) -> Caution | None:
    """Warn when the exact paired test cannot reach .05 whatever the outcomes."""
    if discordant >= FEWEST_DISCORDANT:
        return None
    least = min(1.0, 2.0 * 0.5**discordant)
    return Caution(
        "few-discordant",
        f"Only {discordant} tasks differ between the two systems; an exact two-sided p cannot be "
        f"below {least:.3g}, and {FEWEST_DISCORDANT} are needed for one below 0.05.",
    )


def constant_margin(name: str, constant: bool) -> Caution | None:
    """Warn when one system has the same outcome on every task, so that a correlation is undefined."""
    if not constant:
        return None
    return Caution(
        "constant-margin",
        f"System {name} has the same outcome on every shared task; the correlation of the two is "
        "undefined, and such a run is often a placeholder or a broken judge.",
    )


def constant_outcome(constant: bool, n: int) -> Caution | None:
    """Warn when all of several items have the same outcome."""
    if not constant or n < 2:
        return None
    return Caution(
        "constant-outcome",
        f"All {n} judged items have the same outcome; a resampled interval has no width, and such a run is "
        "often a placeholder or a broken judge.",
    )


def few_events(passed: int, n: int) -> Caution | None:
    """Warn when a rate is so near 0 or 1 that its interval rests on one to three events."""
    if not has_few_events(passed, n):
        return None
    events = min(passed, n - passed)
    kind = "passes" if passed < n - passed else "failures"
    return Caution(
        "few-events",
        f"There are only {events} {kind}; so near the edge the recommended interval can cover a little less than it "
        "says, and the conservative one never does.",
    )


def missing_verdicts(missing: int, n: int) -> Caution | None:
    """Warn when items have no verdict."""
    if not missing:
        return None
    return Caution(
        "missing-verdicts",
        f"{missing} of {n} items have no verdict and are left out of the estimate; "
        "the failure bounds say what they could change.",
    )


def few_clusters(clusters: int) -> Caution | None:
    """Warn below ten clusters."""
    if clusters >= FEWEST_CLUSTERS:
        return None
    return Caution(
        "few-clusters",
        f"There are only {clusters} clusters; an interval over clusters needs about {FEWEST_CLUSTERS} "
        "before its coverage can be trusted.",
    )


def different_judges(identity_a: str | None, identity_b: str | None) -> Caution | None:
    """Warn when two runs were judged by different judge identities.

    Parameters
    ----------
    identity_a, identity_b : str or None
        Digests of everything that can change a verdict; None when unknown, which also warns.
    """
    if identity_a is not None and identity_a == identity_b:
        return None
    known = identity_a is not None and identity_b is not None
    detail = "differ" if known else "are not both known"
    return Caution(
        "different-judges",
        f"The judge identities of the two runs {detail}; a difference may come from the judge and "
        "not from the systems.",
    )


def alternating(changes: int, passed: int, failed: int, level: float = 1e-3) -> Caution | None:
    """Warn when outcomes alternate by row more often than chance allows.

    Wald-Wolfowitz runs test, upper tail only: given the numbers of passes and failures, the number
    of runs (changes + 1) has mean 1 + 2 p f / n and variance 2 p f (2 p f - n) / (n^2 (n - 1)).

    Parameters
    ----------
    changes : int
        Neighbouring rows (in stored order) with different outcomes.
    passed, failed : int
        Rows that pass and that fail.
    level : float, default 1e-3
        Warn when the normal approximation of the tail is below this.

    Returns
    -------
    Caution or None

    Raises
    ------
    BadInput
        More changes than such rows can have.

    Notes
    -----
    Source: Wald & Wolfowitz (1940), Annals of Mathematical Statistics 11, 147-162.
    """
    for value, name in ((changes, "changes"), (passed, "passed"), (failed, "failed")):
        check_count(value, name)
    n = passed + failed
    if changes > min(2 * min(passed, failed), max(0, n - 1)):
        raise BadInput(f"{passed} passes and {failed} failures cannot change {changes} times.")
    cross = 2.0 * passed * failed
    if n < 8 or cross <= n:
        return None
    mean = 1.0 + cross / n
    spread = math.sqrt(cross * (cross - n) / (n * n * (n - 1.0)))
    if normal_cdf(-(changes + 0.5 - mean) / spread) >= level:
        return None
    return Caution(
        "alternating-outcomes",
        f"Outcomes change {changes} times in {n} rows where chance gives about {mean - 1.0:.0f}; "
        "rows that alternate were filled in rather than judged, or stand in pairs of a good and a bad draft.",
    )
