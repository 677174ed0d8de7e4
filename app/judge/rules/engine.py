"""All rules of one policy, compiled once and run on one draft after another.

The engine only collects: each rule reads the same :class:`~app.judge.rules.reading.Reading` and
:class:`~app.judge.rules.facts.Facts`, and says what failed. What follows from a finding is the policy's to say.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable

from app.judge.checks import CHECKS, SEVERITY_RANK
from app.judge.normalise import Normalised, normalise
from app.judge.policy import Policy
from app.judge.rules.capacity import Capacity
from app.judge.rules.confidence import Confidence
from app.judge.rules.coordination import Coordination
from app.judge.rules.facts import Facts
from app.judge.rules.figures import Figures
from app.judge.rules.form import Form
from app.judge.rules.grounding import Grounding
from app.judge.rules.hostile import Hostile
from app.judge.rules.particulars import Particulars
from app.judge.rules.peers import Peers
from app.judge.rules.pricing import Pricing
from app.judge.rules.reading import Hit, Reading
from app.judge.rules.segment import Segment
from app.judge.rules.thread import Thread
from app.judge.rules.tone import Tone
from app.schemas import Context, Draft, Evidence, Finding

RULESET_VERSION = "1.8.0"
MAX_EVIDENCE = 20
_CATALOGUE_ORDER = {check: place for place, check in enumerate(CHECKS)}

Rule = Callable[[Reading, Facts], Iterable[Hit]]


class Ruleset:
    """The deterministic checks under one policy. Thread-safe: nothing is kept between drafts."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._rules: tuple[Rule, ...] = (
            Form(policy),
            Tone(policy),
            Capacity(policy),
            Grounding(policy),
            Figures(policy),
            Particulars(policy),
            Peers(policy),
            Confidence(policy),
            Segment(policy),
            Coordination(policy),
            Pricing(policy),
            Thread(policy),
        )
        self._hostile = Hostile(policy)
        limits = policy.limits
        longest = max(limits.cold_words, limits.warm_words, limits.re_engagement_words)
        # Seven characters a word: what is longer is not read to its end, and held for a human instead.
        self._scan_chars = int(longest * limits.flood_factor * 7)

    @property
    def check_ids(self) -> tuple[str, ...]:
        """Every check that may appear in a finding."""
        return tuple(CHECKS)

    def check(self, draft: Draft, context: Context, *, today: datetime.date | None = None) -> list[Finding]:
        """The checks that ``draft`` fails, worst first; an empty list means that it passes them all.

        ``today`` dates the draft; without it, ages are known only where the context states them.
        """
        facts = Facts.of(context, today)
        reading = Reading(normalise(draft.subject), normalise(draft.body), self._scan_chars, facts.prospect_text)
        hits = self._run(reading, facts)
        hits.extend(self._hostile(reading))
        if reading.subject.changed or reading.body.changed:
            hits.extend(self._disguised(draft, facts, hits))
        return self._findings(hits, reading)

    def _run(self, reading: Reading, facts: Facts) -> list[Hit]:
        return [hit for rule in self._rules for hit in rule(reading, facts)]

    def _disguised(self, draft: Draft, facts: Facts, hits: list[Hit]) -> list[Hit]:
        """One hit when the text as sent breaks other rules than the text as read."""
        raw = Reading(_as_sent(draft.subject), _as_sent(draft.body), self._scan_chars, facts.prospect_text)
        plain = {hit.check for hit in self._run(raw, facts)}
        folded = {hit.check for hit in hits if not hit.check.startswith("hostile.")}
        differing = sorted(plain ^ folded)
        if not differing:
            return []
        spans = tuple(span for hit in hits if hit.check in differing for span in hit.spans)
        return [
            Hit(
                "hostile.disagreement",
                f"The text as sent and the text as read differ on {', '.join(differing)}.",
                spans,
            )
        ]

    def _findings(self, hits: list[Hit], reading: Reading) -> list[Finding]:
        """One finding per check, evidence in raw positions, worst first."""
        merged: dict[str, list[Hit]] = {}
        for hit in hits:
            merged.setdefault(hit.check, []).append(hit)
        findings = []
        for check, same in merged.items():
            evidence = []
            for field, start, end in dict.fromkeys(span for hit in same for span in hit.spans):
                text = reading.subject if field == "subject" else reading.body
                raw_start, raw_end = text.span(start, end)
                evidence.append(Evidence(field=field, start=raw_start, end=raw_end))
            findings.append(
                Finding(
                    check=check,
                    severity=self._policy.checks[check].severity,
                    passed=False,
                    detail=" ".join(dict.fromkeys(hit.detail for hit in same[:3])),
                    evidence=evidence[:MAX_EVIDENCE],
                )
            )
        findings.sort(key=lambda finding: (SEVERITY_RANK[finding.severity], _CATALOGUE_ORDER[finding.check]))
        return findings


def _as_sent(text: str) -> Normalised:
    return Normalised(text, range(len(text)), changed=False)
