"""Members come, change and go, and there is always an owner who can sign in."""

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tenants.isolation.context import tenant_context
from tenants.models import AuditEntry, Membership, Outbox, Tenant, User
from tenants.roles import PERMISSIONS, WORDS, Role
from tests.cast import Actor, actor
from tests.imports.helpers import bring
from tests.tenants.simultaneous import together


def test_the_page_of_roles_says_what_each_may_do(alice: Actor, bob: Actor) -> None:
    page = bob.get("members/roles/").content.decode()
    assert set(WORDS) == set(PERMISSIONS)
    assert all(words in page for words in WORDS.values())
    assert page.count('<span class="muted">No</span>') == sum(len(Role) - len(roles) for roles in PERMISSIONS.values())


def membership(who: Actor) -> Membership:
    with tenant_context(who.workspace.pk):
        found: Membership = Membership.objects.get(user=who.user)
    return found


def roles(tenant: Tenant) -> list[str]:
    with tenant_context(tenant.pk):
        return sorted(Membership.objects.values_list("role", flat=True))


def verbs(tenant: Tenant) -> list[str]:
    with tenant_context(tenant.pk):
        return list(AuditEntry.objects.order_by("pk").values_list("verb", flat=True))


def demote(by: Actor, whom: Actor) -> Any:
    return by.post(f"members/{membership(whom).pk}/role/", {"role": "viewer"})


def test_only_owners_make_owners_and_the_last_one_stays(alice: Actor) -> None:
    admin = actor("Adam", alice.workspace, "admin")
    mine, theirs = membership(alice), membership(admin)
    assert admin.post(f"members/{theirs.pk}/role/", {"role": "owner"}).status_code == 404
    assert admin.post(f"members/{mine.pk}/role/", {"role": "viewer"}).status_code == 404
    assert admin.post(f"members/{mine.pk}/remove/").status_code == 404
    alice.post(f"members/{mine.pk}/role/", {"role": "viewer"})
    assert membership(alice).role == "owner"
    alice.post(f"members/{theirs.pk}/role/", {"role": "owner"})
    assert membership(admin).role == "owner"


def test_a_member_is_removed_with_the_next_click(alice: Actor, bob: Actor) -> None:
    pk = membership(bob).pk
    assert "Remove Bob" in alice.get(f"members/{pk}/remove/").content.decode()
    assert bob.get("imports/").status_code == 200
    assert alice.post(f"members/{pk}/remove/").status_code == 302
    assert bob.get("imports/").status_code == 404
    assert roles(alice.workspace) == ["owner"]
    assert "member.removed" in verbs(alice.workspace)
    assert alice.post(f"members/{pk}/remove/").status_code == 404


@pytest.mark.parametrize("role", ["marketer", "ops", "viewer"])
def test_who_does_not_manage_members_removes_nobody(member: Callable[[str], Actor], alice: Actor, role: str) -> None:
    somebody, other = member(role), member("viewer")
    assert somebody.post(f"members/{membership(other).pk}/remove/").status_code == 404
    assert "Remove" not in somebody.get("members/").content.decode()
    assert membership(other)


def test_admins_remove_all_but_owners(alice: Actor, member: Callable[[str], Actor]) -> None:
    admin, viewer = member("admin"), member("viewer")
    assert admin.post(f"members/{membership(viewer).pk}/remove/").status_code == 302
    assert admin.post(f"members/{membership(alice).pk}/remove/").status_code == 404
    assert roles(alice.workspace) == ["admin", "owner"]


def test_anybody_leaves_but_the_last_owner(alice: Actor, bob: Actor) -> None:
    assert "Leave" in bob.get("members/leave/").content.decode()
    assert bob.post("members/leave/").headers["Location"] == "/"
    assert bob.get("imports/").status_code == 404
    assert alice.post("members/leave/").headers["Location"] == alice.url("members/")
    assert "needs an owner" in alice.get("members/").content.decode()
    assert roles(alice.workspace) == ["owner"]
    assert verbs(alice.workspace).count("member.left") == 1


def test_an_owner_whose_account_is_switched_off_does_not_count(alice: Actor) -> None:
    other = actor("Olga", alice.workspace, "owner")
    User.objects.filter(pk=other.user.pk).update(is_active=False)
    demote(alice, alice)
    alice.post("members/leave/")
    alice.post(f"members/{membership(alice).pk}/remove/")
    assert membership(alice).role == "owner"


WAYS: dict[str, Callable[[Actor, Actor], Any]] = {
    "demote the other": demote,
    "demote oneself": lambda me, _other: demote(me, me),
    "remove the other": lambda me, other: me.post(f"members/{membership(other).pk}/remove/"),
    "remove oneself": lambda me, _other: me.post(f"members/{membership(me).pk}/remove/"),
    "leave": lambda me, _other: me.post("members/leave/"),
}


@pytest.mark.parametrize(("mine", "theirs"), list(itertools.combinations_with_replacement(WAYS, 2)))
def test_two_owners_who_act_at_once_leave_one(mine: str, theirs: str) -> None:
    """Whatever each of the two does, and however it falls out in time."""
    alice = actor("Alice")
    for _round in range(6):
        other = actor("Olga", alice.workspace, "owner")
        answers = together([partial(act, WAYS[mine], alice, other), partial(act, WAYS[theirs], other, alice)])
        assert all(status < 500 for status in answers), answers
        owners = [who for who in (alice, other) if role_of(who) == "owner"]
        assert owners, (mine, theirs)
        alice = owners[0]
        with tenant_context(alice.workspace.pk):
            Membership.objects.exclude(user=alice.user).delete()


def act(way: Callable[[Actor, Actor], Any], me: Actor, other: Actor) -> int:
    """The status of the answer; 404 where one of the two is no member any more."""
    try:
        return int(way(me, other).status_code)
    except Membership.DoesNotExist:
        return 404


def role_of(who: Actor) -> str:
    try:
        return str(membership(who).role)
    except Membership.DoesNotExist:
        return ""


def test_many_owners_who_all_leave_at_once_leave_one() -> None:
    for _round in range(4):
        first = actor("Alice")
        everybody = [first, *(actor(f"Owner{n}", first.workspace, "owner") for n in range(4))]
        answers = together([partial(act, WAYS["leave"], who, who) for who in everybody])
        assert all(status < 500 for status in answers)
        assert roles(first.workspace) == ["owner"]


def test_one_who_was_demoted_while_he_clicked_does_nothing_more(alice: Actor) -> None:
    """The role is read again behind the lock: an owner's last click does not count after it was taken away."""
    for _round in range(6):
        first, second = actor("Olga", alice.workspace, "owner"), actor("Oskar", alice.workspace, "owner")
        together([partial(demote, first, second), partial(demote, second, first)])
        assert sorted([membership(first).role, membership(second).role]) == ["owner", "viewer"]


def test_who_was_removed_gets_no_mail_of_the_workspace_any_more(alice: Actor, bob: Actor) -> None:
    alice.post(f"members/{membership(bob).pk}/remove/")
    bring(alice.workspace, "email\nann@example.com\n", user=bob.user)
    with tenant_context(alice.workspace.pk):
        assert not Outbox.objects.filter(to=bob.user.email).exists()
