"""Several imports of one workspace at once: the end is that of some order, one after the other."""

import os
import random
import threading
import time
from typing import Any

from django.db import connections

from contacts.models import Contact
from imports.models import Import
from imports.options import Options
from imports.pipeline import worker
from imports.wizard import column_choices, upload
from tenants.isolation.context import tenant_context
from tenants.models import Tenant
from tests.cast import person, workspace
from tests.imports.helpers import again, bring, proved, receive

# `CDP_AT_ONCE=20` repeats it twenty times.
TIMES = int(os.environ.get("CDP_AT_ONCE", "2"))


def files(seed: int) -> list[str]:
    """Four files about the same people, with different values, in different orders."""
    rng = random.Random(seed)
    found = []
    for n in range(4):
        people = rng.sample(range(60), 40)
        rows = [
            f"p{i}@example.com,{f'C-{i}' if rng.random() < 0.6 else ''},"
            f"{f'+4479111234{i:02}' if rng.random() < 0.5 else ''},File{n},{rng.choice(['Riga', 'Oslo', ''])}"
            for i in people
        ]
        found.append("email,external_id,phone,first_name,city\n" + "\n".join(rows) + "\n")
    return found


def contacts(tenant: Tenant) -> list[tuple[Any, ...]]:
    with tenant_context(tenant.pk):
        found = Contact.objects.order_by("email").values_list(
            "email", "external_id", "phone", "first_name", "attributes"
        )
        return [(*row[:4], sorted(row[4].items())) for row in found]


def started(tenant: Tenant, content: str) -> Import:
    imp = receive(tenant, content)
    with tenant_context(tenant.pk):
        upload.start(imp, options=Options(), columns=column_choices.apply_choices(imp, {}), auto_start=True)
    return imp


def work(tenant: Tenant, imports: list[Import]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for imp in imports:
            worker.work(tenant.pk, imp.pk)
        if all(again(tenant, imp).ended for imp in imports):
            break
        time.sleep(0.05)
    connections.close_all()


def test_four_at_once_equal_four_in_a_row() -> None:
    for turn in range(TIMES):
        content = files(turn)
        content = content[::-1] if turn % 2 else content
        both = workspace(person("Alice"))
        imports = [started(both, text) for text in content]
        threads = [threading.Thread(target=work, args=(both, imports[n:] + imports[:n])) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done = [again(both, imp) for imp in imports]
        assert [imp.status for imp in done] == ["imported"] * 4
        for imp in done:
            assert sum(getattr(imp, name) for name in Import.OUTCOMES) == imp.rows
        order = sorted(range(4), key=lambda n: str(done[n].started_at))
        alone = workspace(person("Bob"))
        for n in order:
            proved(alone, bring(alone, content[n]))
        assert contacts(both) == contacts(alone)


def test_a_small_import_of_another_workspace_does_not_wait_for_a_large_one(tenant: Tenant) -> None:
    large = started(tenant, "email\n" + "".join(f"p{i}@example.com\n" for i in range(60_000)))
    other = workspace(person("Charlie"))
    small = started(other, "email\n" + "".join(f"p{i}@example.com\n" for i in range(100)))
    worker.TIME_SLICE_SECONDS, before = 0.2, worker.TIME_SLICE_SECONDS
    try:
        worker.work(tenant.pk, large.pk)  # one turn of one worker
        assert not again(tenant, large).ended
        worker.TIME_SLICE_SECONDS = before
        worker.work(other.pk, small.pk)
    finally:
        worker.TIME_SLICE_SECONDS = before
    assert again(other, small).status == "imported"
    worker.work(tenant.pk, large.pk)
