"""Fragments go into the slots of a statement; every other brace stays."""

import pytest

from tenants.isolation.statements import fill


def test_a_fragment_fills_its_slot_and_nothing_else() -> None:
    text = "SELECT '{}'::jsonb, {column} FROM {row} r WHERE r.tenant_id = %(tenant)s AND r.code = {RowOutcome.CREATED}"
    expected = (
        "SELECT '{}'::jsonb, r.email FROM {row} r WHERE r.tenant_id = %(tenant)s AND r.code = {RowOutcome.CREATED}"
    )
    assert fill(text, column="r.email") == expected


def test_slots_of_a_fragment_wait_for_the_next_call() -> None:
    outer = fill("SELECT {known}", known="c.{channel}_status, '{channel}'")
    assert fill(outer, channel="email") == "SELECT c.email_status, 'email'"


def test_a_fragment_without_a_slot_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="columns"):
        fill("SELECT {column}", column="1", columns="2")
