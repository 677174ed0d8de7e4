"""The catalogue of deterministic checks: each id, what it means, and how bad a failure is by default.

A check id never changes its meaning; a new meaning is a new id. Policies may change severity and action, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.schemas import Severity

CheckAction = Literal["revise", "hold", "warn"]

C, H, M, L, I = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.INFO  # noqa: E741


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One check: what a failure means, and what follows by default."""

    id: str
    summary: str
    severity: Severity
    action: CheckAction = "revise"


_SPECS = (
    # capacity
    CheckSpec("capacity.overcommitment", "offers more engineers than are free", C),
    CheckSpec("capacity.committed", "offers engineers whom the note gives to someone else", C),
    CheckSpec("capacity.unlisted_stack", "offers engineers on a stack that has none", C),
    CheckSpec("capacity.seniority", "offers a seniority that is not free in that number", C),
    CheckSpec("capacity.lead_time", "promises a start sooner than the stack can deploy", C),
    CheckSpec("capacity.misreported", "states a free count that the context contradicts", C),
    CheckSpec("capacity.unverified", "promises a number of engineers although the context gives no capacity", H),
    # grounding
    CheckSpec("grounding.amount", "states a sum of money that the context does not hold", C),
    CheckSpec("grounding.round", "names a funding round that the context does not hold", C),
    CheckSpec("grounding.event_denied", "asserts an event that the context says did not happen", C),
    CheckSpec("grounding.event_absent", "asserts an event that the context does not mention", C),
    CheckSpec("grounding.count", "states a number about the company that the context contradicts", C),
    CheckSpec("grounding.percentage", "states a percentage that the context does not hold", C),
    CheckSpec("grounding.date", "states a date or an age that the context does not hold", H),
    CheckSpec("grounding.stale_as_recent", "calls an old funding round or event recent", C),
    CheckSpec("grounding.peers", "names peers that the context does not name", H),
    CheckSpec("grounding.peer_trend", "states what peers do without a source in the context", H),
    CheckSpec("grounding.requirement_ignored", "promises a timeline and ignores a requirement in the context", H),
    CheckSpec("grounding.missing", "pitches in cold mail without one fact of the context", M, "warn"),
    # confidence
    CheckSpec("confidence.weak_hiring", "calls few open roles rapid hiring", C),
    CheckSpec("confidence.growth_unsupported", "asserts growth that the signals contradict", C),
    CheckSpec("confidence.assertive", "asserts a signal of medium or low confidence", H),
    CheckSpec("confidence.untrusted_signal", "claims a signal although the tier is none", C),
    CheckSpec("confidence.mind_reading", "asserts the reader's inner state or needs as known", H),
    # segment
    CheckSpec("segment.growth_after_layoff", "congratulates on growth after a layoff", C),
    CheckSpec("segment.ai_pitch", "pitches advanced AI work below the needed AI maturity", C),
    CheckSpec("segment.growth_without_roles", "pitches capacity for growth where no role is open", H),
    CheckSpec("segment.cost_pitch", "pitches cost cutting to a freshly funded company", H),
    CheckSpec("segment.mismatch", "makes the pitch of another segment", H),
    CheckSpec("segment.abstain", "makes a segment pitch although the segment is not known well enough", H),
    CheckSpec("segment.disqualified", "pitches to a disqualified prospect", H, "hold"),
    # coordination
    CheckSpec("coordination.booking", "offers a link or slot before the prospect asked to meet", H),
    CheckSpec("coordination.slot_claimed", "claims that a meeting is booked", C),
    CheckSpec("coordination.slot_altered", "confirms another time than the prospect gave", C),
    CheckSpec("coordination.opt_out", "writes to someone who asked not to be written to", C, "hold"),
    CheckSpec("coordination.channel", "uses or promises a channel that the prospect did not agree to", H),
    CheckSpec("coordination.legal", "answers a legal, privacy or exclusivity question", C, "hold"),
    CheckSpec("coordination.pushback", "argues with a no that the prospect gave", H),
    CheckSpec("coordination.multi_ask", "asks for more than one thing", M),
    CheckSpec("coordination.human_needed", "continues where the context asks for a human", H, "hold"),
    # pricing
    CheckSpec("pricing.off_band", "quotes a price outside the public bands", H),
    CheckSpec("pricing.total", "quotes a total for work that a human must scope", H),
    CheckSpec("pricing.discount", "offers a discount or a free trial", H),
    CheckSpec("pricing.commitment", "commits to contract terms, deadlines or outcomes", H),
    # thread
    CheckSpec("thread.other_company", "carries the name of another company", C),
    CheckSpec("thread.other_person", "greets another person than the contact", C),
    CheckSpec("thread.invented", "answers a conversation that never took place", H),
    CheckSpec("thread.leak", "carries content of another conversation", C),
    # tone
    CheckSpec("tone.banned_phrase", "uses a phrase that the policy bans", M),
    CheckSpec("tone.superlative", "praises the vendor in superlatives", M),
    CheckSpec("tone.condescension", "talks down to the reader", H),
    CheckSpec("tone.guilt", "makes the reader feel guilty for silence", M),
    CheckSpec("tone.pressure", "presses with urgency or fear", M),
    CheckSpec("tone.boasting", "boasts about the vendor with claims that nobody can check", M),
    CheckSpec("tone.guarantee", "guarantees an outcome", H),
    # form
    CheckSpec("form.length", "body longer than the type allows", M),
    CheckSpec("form.subject_length", "subject longer than the policy allows", L, "warn"),
    CheckSpec("form.filler_opener", "opens with filler", M),
    CheckSpec("form.template_token", "holds an unfilled template token", C),
    CheckSpec("form.internal_word", "uses a word that is internal to the vendor", M),
    CheckSpec("form.internal_note", "holds text addressed to the vendor's own staff or tools", H),
    CheckSpec("form.emoji", "uses emoji in cold mail that the prospect did not use first", L),
    CheckSpec("form.shouting", "shouts in capitals or exclamation marks", L),
    CheckSpec("form.attachment", "mentions an attachment in cold mail", M),
    # hostile
    CheckSpec("hostile.hidden_text", "holds markup or characters that the reader cannot see", H, "hold"),
    CheckSpec("hostile.disagreement", "breaks a rule only once its disguise is removed", C, "hold"),
    CheckSpec("hostile.instruction", "gives orders to whoever judges the draft", C, "hold"),
    CheckSpec("hostile.fake_verdict", "carries a verdict about itself", C, "hold"),
    CheckSpec("hostile.chat_token", "carries chat-template tokens", C, "hold"),
    CheckSpec("hostile.encoded", "carries a long encoded block", H, "hold"),
    CheckSpec("hostile.minimum_content", "is empty or holds too little to judge", C, "hold"),
    CheckSpec("hostile.flood", "is far longer than anything that should be judged", H, "hold"),
)

CHECKS: dict[str, CheckSpec] = {spec.id: spec for spec in _SPECS}
SEVERITY_RANK: dict[Severity, int] = {C: 0, H: 1, M: 2, L: 3, I: 4}
