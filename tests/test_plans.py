"""A new workspace with much in it: statements go through its rows once, and not through all of them for each of them.

The planner knows nothing of it yet: its statistics are those of the workspaces before.
"""

from contacts.bulk import actions
from contacts.listing import contact_list
from contacts.listing.contact_list import ListQuery
from imports.models import UndoDirection
from imports.pipeline import undo
from segments import copies, dynamic, member_list, refresh
from segments.models import Segment
from segments.rules import tree
from tenants.isolation.context import tenant_context
from tests import plans
from tests.cast import actor
from tests.imports.helpers import bring, work

MANY = 3_000
BERGEN = {"v": 1, "all": [{"attribute": "city", "op": "is", "values": ["Bergen"]}]}


def people(city: str) -> str:
    rows = (f"p{i}@example.com,P{i},{'Oslo' if i % 2 else city},C-{i}\n" for i in range(MANY))
    return "email,first_name,city,external_id\n" + "".join(rows)


def test_the_first_day_of_a_large_workspace() -> None:
    plans.forget_statistics()
    alice = actor("Alice")
    tenant, user_id = alice.workspace, alice.user.pk
    with plans.counted(20 * MANY) as seen:
        bring(tenant, people("Riga"), segments=["VIP"], user=alice.user)
        again = bring(tenant, people("Bergen"), segments=["Again"], user=alice.user)
        with tenant_context(tenant.pk):
            vip = Segment.objects.get(name="VIP")
            ruled = dynamic.save_dynamic_segment(tree.parse(BERGEN), "Bergen", user_id=user_id)
        refresh.work(tenant.pk, ruled.pk)
        with tenant_context(tenant.pk):
            ruled.refresh_from_db()
            assert (member_list.size(ruled), member_list.size(vip)) == (MANY // 2, MANY)
            assert copies.copy_members(ruled, Segment.objects.create(name="Copy"), user_id=None) == MANY // 2
            within = tree.dumps(tree.parse({"v": 1, "all": [{"segment": ruled.pk, "op": "in"}]}))
            for shown in ({}, {"q": "p1"}, {"status": "unsubscribed"}, {"show": "deleted"}, {"rule": within}):
                query = ListQuery.of(shown, region="GB")
                contact_list.page(query, contact_list.cached_rule_result(query))
        for kind, options in (("unsubscribe", {}), ("delete", {"reason": "Other"})):
            with tenant_context(tenant.pk):
                action = actions.begin(kind, {"rule": within}, user_id=user_id, **options)
            actions.work(tenant.pk, action.pk)
            with tenant_context(tenant.pk):
                action.refresh_from_db()
            assert (action.state, action.done) == ("done", MANY // 2)
        with tenant_context(tenant.pk):
            assert undo.request(again, UndoDirection.UNDO, user=None)
        assert work(tenant, again).status == "undone"
    assert len(seen) > 200
