"""Verdicts: every shape comes back as it went in, to its own tenant, page by page, and never changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.db import verdicts
from app.db.engine import Database
from app.db.faults import StatementRefused
from app.db.ids import new_id
from app.db.keys import Principal
from app.db.paging import MAX_PAGE, cursor_after, position
from app.db.verdicts import Counts, StoredInput, VerdictFilters
from app.errors import InvalidInput
from app.schemas import Action, Context, Draft, Latency, Outcome, Verdict
from tests.db.shapes import INPUT_DIGEST, JUDGE, context, criterion, draft, pairwise, store, unjudged, verdict

pytestmark = pytest.mark.anyio


async def read(database: Database, who: Principal, verdict_id: str) -> Verdict | None:
    async with database.reading() as conn:
        return await verdicts.get(conn, who.tenant_id, verdict_id)


async def read_input(database: Database, who: Principal, verdict_id: str) -> StoredInput | None:
    async with database.reading() as conn:
        return await verdicts.get_input(conn, who.tenant_id, verdict_id)


async def page(
    database: Database, who: Principal, limit: int = 50, cursor: str | None = None, **filters: Any
) -> tuple[list[str], str | None]:
    async with database.reading() as conn:
        items, following = await verdicts.listing(
            conn, who.tenant_id, filters=VerdictFilters(**filters), limit=limit, cursor=cursor
        )
    return [item.id for item in items], following


async def test_a_full_verdict_comes_back_equal(database: Database, acme: Principal) -> None:
    given = await store(database, acme.tenant_id, verdict(run_id=str(new_id())))
    assert await read(database, acme, given.id) == given
    assert await read(database, acme, given.id.upper()) == given


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.JUDGED])
async def test_a_verdict_of_every_outcome_comes_back_without_a_number(
    database: Database, acme: Principal, outcome: Outcome
) -> None:
    given = await store(database, acme.tenant_id, unjudged(outcome), draft=None, context=None, raw_output=None)
    found = await read(database, acme, given.id)
    assert found == given
    assert found.passed is found.score is found.p_fail is None


async def test_the_smallest_verdict_comes_back_equal(database: Database, acme: Principal) -> None:
    full = verdict()
    given = Verdict(
        id=full.id,
        created_at=full.created_at,
        rubric=full.rubric,
        judge=JUDGE,
        outcome=Outcome.NOT_CALLED,
        latency_ms=Latency(total=0.25),
    )
    await store(database, acme.tenant_id, given, kind="verdict", draft=None, context=None, raw_output=None)
    assert await read(database, acme, given.id) == given
    assert await read_input(database, acme, given.id) == StoredInput(
        "verdict", INPUT_DIGEST, None, None, raw_output=None, bypass=None
    )


async def test_the_input_comes_back_as_it_was_sent(database: Database, acme: Principal) -> None:
    sent = context(nested={"z": 1, "a": [True, None, 0.1, -0.0, "\x00\u2028"]})
    given = await store(database, acme.tenant_id, verdict(), context=sent, bypass="on_failure")
    found = await read_input(database, acme, given.id)
    assert found == StoredInput("gate", INPUT_DIGEST, draft(), sent, '{"tone": 2}', "on_failure")
    assert found.context is not None
    assert found.context.model_fields_set == sent.model_fields_set
    assert list(found.context.extras) == list(sent.extras)
    assert found.context.model_dump_json(exclude_unset=True) == sent.model_dump_json(exclude_unset=True)


TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
EXTRA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=TEXT, extra=EXTRA)
def test_any_input_comes_back_as_it_was_sent(
    insert_and_read: Callable[..., StoredInput], body: str, extra: Any
) -> None:
    sent = context(extra=extra)
    found = insert_and_read(draft(body), sent)
    assert (found.draft, found.context) == (draft(body), sent)


@pytest.fixture
def insert_and_read(database_url: str) -> Any:
    """Store one verdict and read its input, each time in a loop of its own, for tests that Hypothesis drives."""
    from app.db import keys

    async def once(sent_draft: Draft, sent_context: Context) -> StoredInput | None:
        database = Database(database_url)
        try:
            async with database.transaction() as conn:
                listed = await keys.list_keys(conn, "acme")
                if not listed:
                    await keys.create_key(conn, tenant="acme", name="k", scopes={keys.Scope.READ})
                    listed = await keys.list_keys(conn, "acme")
            stored = await store(
                database,
                listed[0].tenant_id,
                verdict(),
                draft=sent_draft,
                context=sent_context,
                raw_output=None,
            )
            async with database.reading() as conn:
                return await verdicts.get_input(conn, listed[0].tenant_id, stored.id)
        finally:
            await database.close()

    return lambda *sent: asyncio.run(once(*sent))


@pytest.mark.parametrize("bad", [chr(0), chr(0xD800), chr(0xDFFF)])
async def test_what_a_model_wrote_is_stored_even_with_characters_that_postgres_cannot_hold(
    database: Database, acme: Principal, bad: str
) -> None:
    given = verdict(reason=f"a{bad}b \\u0000", notes=[bad], task_id="plain")
    await store(database, acme.tenant_id, given, raw_output=f"{{{bad}}}")
    found = await read(database, acme, given.id)
    assert found == given.model_copy(update={"reason": "a\ufffdb \\u0000", "notes": ["\ufffd"]})
    kept = await read_input(database, acme, given.id)
    assert kept is not None
    assert kept.raw_output == "{\ufffd}"


async def test_half_a_surrogate_in_a_draft_is_refused(database: Database, acme: Principal) -> None:
    broken = Draft.model_construct(subject="a", body="canary\ud800")
    with pytest.raises(InvalidInput, match="surrogate") as caught:
        await store(database, acme.tenant_id, verdict(), draft=broken)
    assert "canary" not in str(caught.value)


async def test_another_tenant_sees_nothing(database: Database, acme: Principal, globex: Principal) -> None:
    given = await store(database, acme.tenant_id, verdict())
    assert await read(database, globex, given.id) is None
    assert await read_input(database, globex, given.id) is None
    assert await page(database, globex) == ([], None)
    async with database.reading() as conn:
        assert await verdicts.find_judged(conn, globex.tenant_id, INPUT_DIGEST, JUDGE.digest) is None
        assert (await verdicts.counts(conn, globex.tenant_id, given.created_at)).total == 0
    own = await store(database, globex.tenant_id, given)  # ids are a tenant's own: the same one does not collide
    assert await read(database, globex, own.id) == given


@pytest.mark.parametrize("verdict_id", ["", "x", "0" * 32, str(UUID(int=0)), "x" * 10_000, "\x00"])
async def test_a_strange_id_is_not_found(database: Database, acme: Principal, verdict_id: str) -> None:
    assert await read(database, acme, verdict_id) is None
    assert await read_input(database, acme, verdict_id) is None


async def test_an_id_that_is_no_uuid_is_refused(database: Database, acme: Principal) -> None:
    for changes in ({"id": "one"}, {"run_id": "one"}):
        with pytest.raises(InvalidInput):
            await store(database, acme.tenant_id, verdict(**changes))


async def test_pages_have_no_gap_and_no_repeat_while_verdicts_arrive(database: Database, acme: Principal) -> None:
    stored = [(await store(database, acme.tenant_id, verdict())).id for _ in range(23)]
    seen: list[str] = []
    cursor = None
    sizes = []
    while True:
        ids, cursor = await page(database, acme, limit=5, cursor=cursor)
        seen += ids
        sizes.append(len(ids))
        await store(database, acme.tenant_id, verdict())
        if cursor is None:
            break
    assert seen == stored[::-1]
    assert sizes == [5, 5, 5, 5, 3]


async def test_a_last_page_that_is_full_has_no_cursor(database: Database, acme: Principal) -> None:
    for _ in range(4):
        await store(database, acme.tenant_id, verdict())
    _, cursor = await page(database, acme, limit=2)
    ids, cursor = await page(database, acme, limit=2, cursor=cursor)
    assert (len(ids), cursor) == (2, None)


@pytest.mark.parametrize("cursor", ["", "x", "!", "é", "A" * 21, "A" * 23, "A" * 22 + "==", "////" * 5 + "AB", "\x00"])
async def test_a_cursor_that_is_not_ours_is_refused(database: Database, acme: Principal, cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await page(database, acme, cursor=cursor)
    assert caught.value.faults[0].path == "cursor"


@given(st.uuids())
def test_a_cursor_reads_back(identifier: UUID) -> None:
    assert position(cursor_after(identifier)) == identifier


@pytest.mark.parametrize("limit", [0, -1, MAX_PAGE + 1])
async def test_a_page_size_outside_the_bounds_is_refused(database: Database, acme: Principal, limit: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        await page(database, acme, limit=limit)
    assert caught.value.faults[0].path == "limit"


async def test_each_filter_keeps_what_fits_and_all_hold_together(database: Database, acme: Principal) -> None:
    run = str(new_id())
    held = await store(database, acme.tenant_id, verdict(run_id=run))
    sent = await store(
        database, acme.tenant_id, verdict(action=Action.SEND, criteria=[criterion("tone", passed=False)])
    )
    late = await store(database, acme.tenant_id, unjudged(Outcome.TIMEOUT, action=None, run_id=run))

    async def ids(**filters: Any) -> list[str]:
        return (await page(database, acme, **filters))[0]

    assert await ids() == [late.id, sent.id, held.id]
    assert await ids(run_id=run) == [late.id, held.id]
    assert await ids(run_id=str(new_id())) == []
    assert await ids(run_id="not a run") == []
    assert await ids(action=Action.SEND) == [sent.id]
    assert await ids(action=Action.HOLD) == [held.id]
    assert await ids(outcome=Outcome.TIMEOUT) == [late.id]
    assert await ids(outcome=Outcome.JUDGED) == [sent.id, held.id]
    assert await ids(criterion="capacity") == [held.id]
    assert await ids(criterion="tone") == [sent.id]
    assert await ids(criterion="cta") == []  # neither passed nor failed
    assert await ids(run_id=run, outcome=Outcome.JUDGED, criterion="capacity") == [held.id]
    assert await ids(run_id=run, action=Action.SEND) == []


async def test_filters_by_time_include_since_and_exclude_until(database: Database, acme: Principal) -> None:
    now = datetime.now(UTC)
    at = [now - timedelta(seconds=s) for s in (3, 2, 1)]
    stored = [(await store(database, acme.tenant_id, verdict(created_at=t))).id for t in at]

    async def ids(**filters: Any) -> list[str]:
        return (await page(database, acme, **filters))[0]

    assert await ids(since=at[1]) == [stored[2], stored[1]]
    assert await ids(until=at[1]) == [stored[0]]
    assert await ids(since=at[1], until=at[2]) == [stored[1]]
    assert await ids(since=now + timedelta(days=1)) == []
    assert await ids(until=now - timedelta(days=1)) == []


async def test_a_verdict_is_found_again_by_input_and_judge(database: Database, acme: Principal) -> None:
    first = await store(database, acme.tenant_id, verdict())
    newest = await store(database, acme.tenant_id, verdict())
    await store(database, acme.tenant_id, unjudged(Outcome.TIMEOUT))
    await store(database, acme.tenant_id, verdict(), input_digest="e" * 64)
    async with database.reading() as conn:
        found = await verdicts.find_judged(conn, acme.tenant_id, INPUT_DIGEST, JUDGE.digest)
        assert found == newest
        assert found != first
        assert await verdicts.find_judged(conn, acme.tenant_id, INPUT_DIGEST, "b" * 64) is None
        assert await verdicts.find_judged(conn, acme.tenant_id, "f" * 64, JUDGE.digest) is None


async def test_counts_equal_the_rows(database: Database, acme: Principal) -> None:
    before = await store(database, acme.tenant_id, verdict(created_at=datetime.now(UTC) - timedelta(minutes=1)))
    for action in (Action.SEND, Action.SEND, Action.HOLD, None):
        await store(database, acme.tenant_id, verdict(action=action), bypass="on_failure" if action is None else None)
    await store(database, acme.tenant_id, unjudged(Outcome.TIMEOUT, action=Action.HOLD))
    since = before.created_at + timedelta(seconds=1)
    async with database.reading() as conn:
        assert await verdicts.counts(conn, acme.tenant_id, since) == Counts(
            total=5,
            outcomes={Outcome.JUDGED: 4, Outcome.TIMEOUT: 1},
            actions={Action.SEND: 2, Action.HOLD: 2},
            bypassed=1,
        )
        assert (await verdicts.counts(conn, acme.tenant_id, before.created_at)).total == 6


CHANGES = {
    "update": "UPDATE verdicts SET action = 'send'",
    "delete": "DELETE FROM verdicts",
    "truncate": "TRUNCATE verdicts",
    "truncate cascade": "TRUNCATE tenants CASCADE",
    "upsert": "INSERT INTO verdicts SELECT * FROM verdicts ON CONFLICT (tenant_id, id) DO UPDATE SET action = 'send'",
    "update pairwise": "UPDATE pairwise SET winner = 'a'",
    "delete pairwise": "DELETE FROM pairwise",
    "truncate pairwise": "TRUNCATE pairwise",
}


@pytest.mark.parametrize("what", CHANGES)
async def test_nothing_stored_can_be_changed_or_deleted(database: Database, acme: Principal, what: str) -> None:
    run_id = new_id()
    given = await store(database, acme.tenant_id, verdict(run_id=str(run_id)))
    pair = pairwise()
    async with database.transaction() as conn:
        await verdicts.insert_pairwise(conn, acme.tenant_id, pair)

    async def change(erasing: str) -> None:
        async with database.transaction() as conn:
            await conn.execute(text("SELECT set_config('presend.erasing_run', :run, true)"), {"run": erasing})
            await conn.execute(text(CHANGES[what]))

    for erasing in ("", str(new_id()), *([str(run_id)] if what != "delete" else [])):
        with pytest.raises(StatementRefused, match="23001"):
            await change(erasing)
    assert await read(database, acme, given.id) == given
    async with database.reading() as conn:
        assert await verdicts.get_pairwise(conn, acme.tenant_id, pair.id) == pair


async def test_erasing_a_run_deletes_its_verdicts_and_no_others(
    database: Database, acme: Principal, globex: Principal
) -> None:
    run_id, other_run = new_id(), new_id()
    erased = [await store(database, acme.tenant_id, verdict(run_id=str(run_id))) for _ in range(3)]
    kept = await store(database, acme.tenant_id, verdict(run_id=str(other_run)))
    loose = await store(database, acme.tenant_id, verdict())
    foreign = await store(database, globex.tenant_id, verdict(run_id=str(run_id)))
    async with database.transaction() as conn:
        assert await verdicts.erase_run(conn, acme.tenant_id, run_id) == 3
        assert await verdicts.erase_run(conn, acme.tenant_id, run_id) == 0
    assert [await read(database, acme, one.id) for one in erased] == [None] * 3
    assert await read(database, acme, kept.id) == kept
    assert await read(database, acme, loose.id) == loose
    assert await read(database, globex, foreign.id) == foreign

    async def erase_too_much() -> None:
        async with database.transaction() as conn:
            await verdicts.erase_run(conn, acme.tenant_id, other_run)
            await conn.execute(text("DELETE FROM verdicts"))

    with pytest.raises(StatementRefused, match="23001"):
        await erase_too_much()
    assert await read(database, acme, kept.id) == kept


async def test_the_database_itself_refuses_a_number_without_a_judgement(database: Database, acme: Principal) -> None:
    lying = verdict().model_copy(update={"outcome": Outcome.TIMEOUT})
    with pytest.raises(StatementRefused, match="number_only_when_judged"):
        await store(database, acme.tenant_id, lying)


async def test_a_pairwise_judgement_comes_back_equal_to_its_tenant_only(
    database: Database, acme: Principal, globex: Principal
) -> None:
    full, bare = (
        pairwise(),
        pairwise().model_copy(update={"winner": None, "decided_by": None, "findings": {}}),
    )
    async with database.transaction() as conn:
        await verdicts.insert_pairwise(
            conn,
            acme.tenant_id,
            full,
            input_digest=INPUT_DIGEST,
            a=draft("a"),
            b=draft("b"),
            context=context(),
            raw_outputs=["\x00", None],
        )
        await verdicts.insert_pairwise(conn, acme.tenant_id, bare)
    async with database.reading() as conn:
        assert await verdicts.get_pairwise(conn, acme.tenant_id, full.id) == full
        assert await verdicts.get_pairwise(conn, acme.tenant_id, bare.id) == bare
        assert await verdicts.get_pairwise(conn, globex.tenant_id, full.id) is None
        assert await verdicts.get_pairwise(conn, acme.tenant_id, "x") is None
        row = (await conn.execute(text("SELECT draft_a->>'body', draft_b->>'body', raw_outputs FROM pairwise"))).first()
    assert row is not None
    assert tuple(row) == ("a", "b", ["\ufffd", None])
