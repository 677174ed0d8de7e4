"""Synthesis over scripted endpoints: every job ends in the log, nothing is done twice or dropped in silence."""

from __future__ import annotations

import asyncio
import fcntl
import json
from pathlib import Path
from typing import Any

import pytest

from app.bench.authoring import Asked, jobs_for
from app.bench.tasks import Quality, Task
from app.errors import InvalidInput, SetupError
from app.judge.policy import default_policy
from app.llm import ChatClient, Endpoint
from app.schemas import Outcome
from app.services.synthesis import Entry, Log, Makers, RuleCheck, Synthesis, Synthesised, mark_tasks
from tests.core.bench.drafts import CONTEXT, task, written
from tests.fake_plugin import FakeVllm

HONEST = (
    "Hi Ana,\n\nAlder Pay closed a Series A of 12 M USD in March 2026. Growing the platform team is often the next "
    "step, and we place engineers who work in your hours. Would it help to compare notes on that?\n\nBest,\nJo"
)
OTHER = HONEST.replace("Growing the platform team is often the next step", "Many teams then look for platform people")
RUDE = HONEST.replace("Would it help to compare notes on that?", "Anybody sensible would see that you need us, so?")
CRITERIA = (
    Asked("tone", "Respectful", "Talks down.", "Plain."),
    Asked("segment", "Fitting pitch", "Cost pitch.", "Growth pitch."),
)
SEED = task("seed", context={**CONTEXT, "signal_brief": {**CONTEXT["signal_brief"], "signal_confidence_tier": "high"}},
            draft=written(HONEST, "Alder Pay and March"))  # fmt: skip
MAKERS = Makers(generator="qwen3", generator_family="qwen", judge="llama-3", judge_family="llama")
JOBS = jobs_for([SEED], CRITERIA, CRITERIA)
HONEST_JOB, TONE_JOB, SEGMENT_JOB = JOBS
MARKS = '{"coherence": 5, "verifiability": 4, "rubric_clarity": 3}'


def answer(body: str) -> dict[str, Any]:
    text = json.dumps({"subject": "Alder Pay and March", "body": body, "why": "It is planned so."})
    return {"kind": "ok", "text": text}


def when(contains: str, step: dict[str, Any]) -> dict[str, Any]:
    return {"contains": contains, "step": step}


SAYS = [
    when("Label: the e-mail", {"kind": "ok", "text": MARKS}),
    when("Break: Respectful", answer(RUDE)),
    when("Break: Fitting", answer(RUDE)),
    when("Write another", answer(OTHER)),
]


def run(fake: FakeVllm, out: Path, jobs: list[Any] = JOBS, makers: Makers = MAKERS, parallel: int = 1) -> Synthesised:
    told: list[Entry] = []

    async def main() -> Synthesised:
        ends = [Endpoint(fake.url, name, pause_s=0.001) for name in (makers.generator, makers.judge)]
        async with ChatClient(ends[0]) as generator, ChatClient(ends[1]) as judge:
            rules = RuleCheck(default_policy())
            return await Synthesis(generator, judge, Log(out, makers), rules, parallel).run(jobs, told.append)

    return asyncio.run(main())


def test_accepted_tasks_carry_marks_and_makers(fake_vllm: FakeVllm, tmp_path: Path) -> None:
    fake_vllm.script(when=SAYS)
    found = run(fake_vllm, tmp_path / "log", parallel=3)
    assert found.counts == {"accepted": 3}
    by_id = {one.task_id: one for one in found.tasks}
    tone = by_id[TONE_JOB.id]
    assert (tone.passed, tone.scores, tone.pair) == (False, {"tone": 1, "segment": None}, "seed")
    assert tone.quality == Quality(coherence=5, verifiability=4, rubric_clarity=3)
    assert tone.source == {
        "seed": "seed", "generator": "qwen3", "generator_family": "qwen", "judge": "llama-3", "judge_family": "llama",
    }  # fmt: skip
    assert by_id[HONEST_JOB.id].passed is True
    assert found.prompt_tokens == 6 * 321
    models = [r.get("body", r)["model"] for r in fake_vllm.log()["requests"]]
    assert sorted(models) == ["llama-3"] * 3 + ["qwen3"] * 3


def test_every_refusal_is_counted_by_its_kind(fake_vllm: FakeVllm, tmp_path: Path) -> None:
    promise = HONEST.replace("Would it help", "This is a world-class, game-changing synergy. Would it help")
    low = MARKS.replace("4", "2")
    script = [
        when("Label: the e-mail breaks: Respectful", {"kind": "ok", "text": low}),
        when("Break: Respectful", answer(RUDE)),
        when("Break: Fitting", {"kind": "ok", "text": "I would rather not."}),
        when("Write another", answer(promise)),
    ]
    fake_vllm.script(when=script)
    found = run(fake_vllm, tmp_path / "log")
    assert found.counts == {"below_threshold": 1, "no_json": 1, "rules_disagree": 1}
    assert found.tasks == []
    log = (tmp_path / "log").read_text()
    assert "world-class" not in log
    assert '"detail": "the rules also block tone"' in log


def test_what_was_ended_is_not_asked_again_and_what_may_pass_is(fake_vllm: FakeVllm, tmp_path: Path) -> None:
    slow = [when("Break: Respectful", {"kind": "502"}), *SAYS]
    fake_vllm.script(when=slow)
    first = run(fake_vllm, tmp_path / "log")
    assert first.counts == {"accepted": 2, "upstream_error": 1}
    fake_vllm.reset()
    fake_vllm.script(when=SAYS)
    second = run(fake_vllm, tmp_path / "log")
    assert second.counts == {"accepted": 3}
    assert fake_vllm.log()["received"] == 2
    fake_vllm.reset()
    assert [one.line() for one in run(fake_vllm, tmp_path / "log").tasks] == [one.line() for one in second.tasks]
    assert fake_vllm.log()["received"] == 0


def test_a_line_cut_off_by_a_crash_is_done_again(fake_vllm: FakeVllm, tmp_path: Path) -> None:
    fake_vllm.script(when=SAYS)
    log = tmp_path / "log"
    whole = run(fake_vllm, log)
    log.write_bytes(log.read_bytes()[:-40])
    fake_vllm.reset()
    fake_vllm.script(when=SAYS)
    again = run(fake_vllm, log)
    assert fake_vllm.log()["received"] == 2
    assert [one.line() for one in again.tasks] == [one.line() for one in whole.tasks]


def test_an_endpoint_that_always_fails_ends_it_and_keeps_what_is_done(fake_vllm: FakeVllm, tmp_path: Path) -> None:
    seeds = [SEED.model_copy(update={"task_id": f"s{n}"}) for n in range(20)]
    fake_vllm.script(default={"kind": "502"}, when=[])
    with pytest.raises(SetupError, match="endpoint of the generator fails: the engine answered 502"):
        run(fake_vllm, tmp_path / "log", jobs_for(seeds, CRITERIA, CRITERIA))
    assert len((tmp_path / "log").read_text().splitlines()) == 1 + 8


def test_a_log_of_other_models_or_of_something_else_is_refused(fake_vllm: FakeVllm, tmp_path: Path) -> None:
    fake_vllm.script(when=SAYS)
    log = tmp_path / "log"
    run(fake_vllm, log)
    with pytest.raises(InvalidInput, match="was begun with qwen3 and llama-3 at 3"):
        run(fake_vllm, log, makers=MAKERS.model_copy(update={"judge": "gemma"}))
    log.write_text(log.read_text() + '{"job": "x"}\n')
    with pytest.raises(InvalidInput, match="log:5: outcome"):
        run(fake_vllm, log)
    log.write_text("something\n")
    with pytest.raises(InvalidInput, match="is no log of a synthesis"):
        run(fake_vllm, log)


def test_one_log_has_one_writer(fake_vllm: FakeVllm, tmp_path: Path) -> None:
    with (tmp_path / "log").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(SetupError, match="Another synthesis is writing log"):
            run(fake_vllm, tmp_path / "log")


def test_existing_tasks_are_marked_in_their_order(fake_vllm: FakeVllm) -> None:
    tasks = [task(name, draft=written(f"Draft {name}.")) for name in "abc"]
    fake_vllm.script(
        when=[
            when("Draft a.", {"kind": "ok", "text": MARKS, "latency_ms": 60}),
            when("Draft b.", {"kind": "refusal"}),
            when("Draft c.", {"kind": "ok", "text": MARKS.replace("5", "1")}),
        ]
    )

    async def main() -> list[Any]:
        async with ChatClient(Endpoint(fake_vllm.url, "llama-3")) as judge:
            return await mark_tasks(judge, tasks, CRITERIA, lambda: None)

    first, second, third = asyncio.run(main())
    assert first == Quality(coherence=5, verifiability=4, rubric_clarity=3)
    assert second.outcome is Outcome.REFUSED
    assert third.lowest == 1


def test_the_rules_agree_with_the_seed() -> None:
    assert RuleCheck(default_policy()).against(SEED) == []
    assert isinstance(SEED, Task)
