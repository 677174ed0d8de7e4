"""The context that an agent would send about a scenario: tidy sentences, flattened keys, nested extras, noise.

Every fact that an honest draft may use stands in the context; noise never contradicts it.
"""

from __future__ import annotations

from random import Random
from typing import Any

from app.bench.scenarios import Scenario, month_name
from app.bench.wording import number, shown

_INDUSTRY = ("software", "fintech", "health tech", "logistics", "retail", "energy")
_TOOLS = ("AWS", "Kubernetes", "Postgres", "Kafka", "Terraform", "Snowflake", "gRPC")

_ABOUT = (
    "The firm was founded in {year} and sells to mid-sized buyers.",
    "Head office in {city}; {people} people on its own page.",
    "Product: a hosted service for {industry}, with a public API.",
    "Blog last updated this quarter; posts on {tool} and delivery.",
    "No press mention found beyond the company's own release.",
    "Engineering page lists {tool} among the tools in use.",
)
_CITIES = ("Leeds", "Porto", "Ghent", "Tallinn", "Austin", "Toronto", "Graz", "Lyon")
_LUKEWARM = ("Not this quarter, thanks.", "Interesting, let me think about it.", "Sounds useful, later maybe.")


def write_context(s: Scenario, rng: Random) -> dict[str, Any]:
    """Context fields as a request would carry them."""
    facts = _facts(s)
    style = rng.choices(("sentence", "flat", "nested", "block"), weights=(4, 4, 3, 2))[0]
    brief: dict[str, Any] = {}
    context: dict[str, Any] = {"company_name": s.company, "icp_segment": s.segment, "thread_stage": s.stage}
    if style == "sentence":
        brief["signal_line"] = " ".join(_sentences(s, rng))
    elif style == "block":
        brief["signal_line"] = " ".join(_mixed([*_sentences(s, rng), *_background(rng)], rng))
        context.update(dict(_noise(s, rng)))
    elif style == "flat":
        pairs = [("company", s.company), *facts.items(), *_noise(s, rng)]
        brief["signal_line"] = "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in pairs)
    else:
        brief["signal_line"] = _sentences(s, rng)[0] if rng.random() < 0.4 else ""
        (brief if rng.random() < 0.5 else context).update(_nested(facts))
        context.update(dict(_noise(s, rng)))
    if s.tier is not None:
        brief["signal_confidence_tier"] = s.tier
    if rng.random() < 0.4:
        context["contact"] = {"name": s.first, "title": s.title}
    context["signal_brief"] = brief
    _add_bench(context, s, rng)
    if s.kind == "reply":
        context["prior_thread"] = [{"role": "prospect", "content": _question(s, rng)}]
    elif s.stage == "re_engagement":
        context["prior_thread"] = [{"role": "prospect", "content": rng.choice(_LUKEWARM)}]
    return context


def _facts(s: Scenario) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if s.fact in ("funding", "old_funding"):
        facts |= {"funding_round": s.round, "funding_amount": f"${s.millions}M", "funding_date": month_name(s)}
    if s.also_funded and s.fact != "funding":
        facts |= {"funding_round": s.round, "funding_amount": f"${s.millions}M"}
    told = {s.fact, s.also}
    if "layoff" in told:
        facts |= {"layoff_percent": s.pct, "layoff_date": month_name(s), "open_roles": s.roles}
    if "leader" in told:
        facts |= {"new_leader": s.leader, "leader_title": s.title, "leader_since": month_name(s)}
    if "gap" in told:
        facts |= {"specialist_role": s.skill, "role_open_days": s.days, "ai_maturity_score": s.ai_score}
    if s.fact == "roles":
        facts |= {"open_roles": s.roles, "primary_stack": s.stack}
    if s.trap:
        facts |= {"layoff_event_detected": False, "layoff_event_percent": s.pct, "layoff_event_date": month_name(s)}
    return facts


def _sentences(s: Scenario, rng: Random) -> list[str]:
    amount = f"${s.millions}M"
    lines = {
        "funding": (
            f"{s.company} closed a {amount} {s.round} in {month_name(s)}.",
            f"{amount} {s.round} announced {month_name(s)}, per the company's own release.",
        ),
        "old_funding": (
            f"Last known round: {amount} {s.round}, {month_name(s)}.",
            f"{s.company} raised a {amount} {s.round} in {month_name(s)}; nothing newer found.",
        ),
        "roles": (
            f"{s.company} lists {number(rng, s.roles)} open {shown(s.stack)} roles.",
            f"Careers page: {s.roles} {shown(s.stack)} openings.",
        ),
        "layoff": (
            f"{s.company} cut {s.pct}% of staff in {month_name(s)}; {s.roles} engineering roles stay open.",
            f"Layoff of {s.pct}% reported in {month_name(s)}. Open engineering roles: {s.roles}.",
        ),
        "leader": (
            f"{s.leader} became {s.title} of {s.company} in {month_name(s)}.",
            f"New {s.title}: {s.leader}, since {month_name(s)}.",
        ),
        "gap": (
            f"{s.company} has had a {s.skill} role open for {s.days} days; AI maturity {s.ai_score}.",
            f"{s.skill} position unfilled for {s.days} days at {s.company}.",
        ),
        "thread": (f"{s.company} answered our first note.", f"{s.company} has {s.roles} open roles."),
        None: ("No public signal found.", f"Nothing on hiring or funding was found for {s.company}."),
    }
    chosen = [rng.choice(lines[s.fact])]
    if s.also_funded and s.fact != "funding":
        chosen.append(f"It raised a {amount} {s.round}.")
    if s.also is not None:
        chosen.append(rng.choice(lines[s.also]))
    if s.trap:
        chosen.append(f"layoff_event: detected false, percent {s.pct}, date {month_name(s)}.")
    return chosen


def _background(rng: Random) -> list[str]:
    values = {
        "year": rng.randint(2005, 2021),
        "city": rng.choice(_CITIES),
        "people": rng.randint(20, 900),
        "industry": rng.choice(_INDUSTRY),
        "tool": rng.choice(_TOOLS),
    }
    return [text.format(**values) for text in rng.sample(_ABOUT, rng.randint(2, 4))]


def _mixed(sentences: list[str], rng: Random) -> list[str]:
    mixed = list(sentences)
    rng.shuffle(mixed)
    return mixed


def _nested(facts: dict[str, Any]) -> dict[str, Any]:
    """Group ``funding_round`` and its like under ``funding``."""
    grouped: dict[str, Any] = {}
    for key, value in facts.items():
        head, _, tail = key.partition("_")
        grouped.setdefault(head, {})[tail or "value"] = value
    return grouped


def _noise(s: Scenario, rng: Random) -> list[tuple[str, Any]]:
    pool: list[tuple[str, Any]] = [
        ("employee_count", rng.randint(20, 900)),
        ("industry", rng.choice(_INDUSTRY)),
        ("tech_stack", ", ".join(rng.sample(_TOOLS, 3))),
        ("recipient_role", s.title),
        ("icp_confidence", rng.choice(("high", "medium", "low"))),
        ("hiring_velocity", "moderate"),
    ]
    return rng.sample(pool, rng.randint(0, 3))


def _add_bench(context: dict[str, Any], s: Scenario, rng: Random) -> None:
    if s.bench is not None:
        stacks: dict[str, Any] = {}
        for name, record in s.bench.items():
            row: dict[str, Any] = {"available_engineers": record.listed, "time_to_deploy_days": record.days}
            if record.note or rng.random() < 0.3:
                row["note"] = record.note
            if record.mix is not None:
                keys = (("senior", "senior_4_plus_yrs"), ("mid", "mid_2_4_yrs"), ("junior", "junior_0_2_yrs"))
                row["seniority_mix"] = {key: record.mix[grade] for grade, key in keys}
            stacks[name] = row
        if s.request is None and rng.random() < 0.15:
            context["capacity_note"] = _prose(s)
        else:
            context["bench_summary"] = {"stacks": stacks}
    if s.request is not None and rng.random() < 0.75:
        asked = {"stack": s.stack, "requested_count": s.request.count}
        if s.request.grade:
            asked["seniority"] = s.request.grade
        if s.request.lead_days:
            asked["lead_days"] = s.request.lead_days
        context["capacity_request"] = [asked]


def _prose(s: Scenario) -> str:
    """The bench as a person would note it down."""
    lines = []
    for name, record in (s.bench or {}).items():
        mix = ", ".join(f"{count} {grade}" for grade, count in (record.mix or {}).items())
        note = f"; {record.note}" if record.note else ""
        people = f"{record.listed} {shown(name)} engineers" + (f" ({mix})" if mix else "")
        lines.append(f"{people} free, {record.days} days to start{note}")
    return ". ".join(lines) + "."


def _question(s: Scenario, rng: Random) -> str:
    if s.request is not None:
        grade = f"{s.request.grade} " if s.request.grade else ""
        count = number(rng, s.request.count)
        when = f" within {s.request.lead_days} days" if s.request.lead_days else ""
        return rng.choice(
            (
                f"Could you cover {count} {grade}{shown(s.stack)} engineers{when}?",
                f"We would need {count} {grade}{shown(s.stack)} people{when}. Possible?",
                f"Do you have {count} {grade}{shown(s.stack)} engineers{when}?",
            )
        )
    return rng.choice(
        (
            f"Can you tell me more about {s.topic}?",
            f"One question: {s.topic}?",
            f"Before anything else we should talk about {s.topic}.",
        )
    )
