"""Ids: a version 7 UUID, in order within a process, and readable as a time."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from app.db import ids


def test_an_id_is_a_version_7_uuid_of_now() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=2)
    made = ids.new_id()
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= ids.made_at(made) <= datetime.now(UTC) + timedelta(milliseconds=2)


def test_ids_rise_within_a_thread_and_never_repeat_across_threads() -> None:
    lists: list[list[uuid.UUID]] = [[] for _ in range(4)]

    def make(into: list[uuid.UUID]) -> None:
        into.extend(ids.new_id() for _ in range(5_000))

    threads = [threading.Thread(target=make, args=(into,)) for into in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(into == sorted(into) for into in lists)
    assert len({made for into in lists for made in into}) == 20_000


def test_ids_rise_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ids.new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    assert first < ids.new_id() < ids.new_id()


def test_a_floor_is_below_every_id_of_its_millisecond() -> None:
    made = ids.new_id()
    at = ids.made_at(made)
    assert ids.floor_id(at) <= made < ids.floor_id(at + timedelta(milliseconds=2))
    assert ids.floor_id(datetime(1, 1, 2, tzinfo=UTC)) == uuid.UUID(int=0)


@pytest.mark.parametrize(
    "text", ["", "x", "1", "{01a20669-744b-7d3d-86d2-93642c9f7160}", "01a20669744b7d3d86d293642c9f7160"]
)
def test_only_the_usual_form_is_an_id(text: str) -> None:
    assert ids.parse_id(text) is None


def test_an_id_reads_back() -> None:
    made = ids.new_id()
    assert ids.parse_id(str(made)) == ids.parse_id(str(made).upper()) == made
