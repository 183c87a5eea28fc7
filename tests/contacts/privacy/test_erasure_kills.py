"""An erasure is killed by SIGKILL after each of its parts, in a process of its own: the person is whole until it commits,
and gone from every store after it has been done once more. There is nothing in between."""

import os
import signal
import subprocess
import sys

import pytest

from contacts.bulk import actions
from contacts.consent import suppression
from contacts.extensions import contact_data
from contacts.models import BulkAction, BulkState, Contact
from tenants import file_removals
from tenants.isolation.context import tenant_context
from tests.cast import Actor
from tests.contacts.privacy.test_erasure import CANARY, DIGITS, canary, everything

__all__ = ["canary"]
# Works on an action in a child for each line that it reads, which is the part after which the child stops and waits.
WORKER = """
import os, signal, sys, django
django.setup()
from contacts import change_log
from contacts.bulk import actions, queries
from contacts.consent import suppression
from contacts.extensions import contact_data
from contacts.privacy.erasure import Erase
own, action, stop = int(sys.argv[1]), int(sys.argv[2]), ""
def halting(part, act):
    def halt(*args, **values):
        found = act(*args, **values)
        if part == stop:
            print(os.getpid(), flush=True)
            signal.pause()
        return found
    return halt
for part, place, name in (
    ("gather", Erase, "gather"), ("suppression", suppression, "add"), ("news", change_log, "note_erased"),
    ("selections", queries, "forget_selections"), ("audit", queries, "erase_audit"), ("finish", Erase, "finish"),
):
    setattr(place, name, halting(part, getattr(place, name)))
for app, provider in contact_data().items():
    provider.erase = halting(app, provider.erase)
for line in sys.stdin:
    stop = line.strip()
    child = os.fork()
    if child == 0:
        actions.work(own, action)
        print("ended", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


def traces(who: Actor) -> list[str]:
    """Every line of every store that names the person."""
    return sorted(line for line in everything(who).splitlines() if CANARY in line.lower() or DIGITS in line)


@pytest.mark.faults
@pytest.mark.long
@pytest.mark.xdist_group("alone")
def test_whole_or_erased_and_never_half(canary: tuple[Actor, Contact]) -> None:
    alice, who = canary
    own = alice.workspace.pk
    with tenant_context(own):
        action = actions.begin("erase", {"ids": [who.pk]}, user_id=alice.user.pk)
    before = traces(alice)
    assert len(before) > 12
    # In their order: the last part before the commit is that of the audit log.
    parts = ["gather", "suppression", *reversed(contact_data()), "news", "selections", "audit"]
    killed = []
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(own), str(action.pk)], env=os.environ.copy(), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True,
    ) as program:  # fmt: skip
        assert program.stdin is not None
        assert program.stdout is not None
        for part in [*parts, "finish"]:
            program.stdin.write(f"{part}\n")
            program.stdin.flush()
            os.kill(int(program.stdout.readline()), signal.SIGKILL)
            assert program.stdout.readline() == "gone\n"
            with tenant_context(own):  # its lock goes with its connection
                row = BulkAction.objects.select_for_update().get(pk=action.pk)
                BulkAction.objects.update(attempts=0)
                held = suppression.holds("email", f"{CANARY}@example.com")
            killed.append(part)
            file_removals.work(own)
            assert row.active, part
            left = traces(alice)
            if part == "finish":
                assert left == [], "it has committed"
                assert held
            else:
                assert left == before, part
                assert not held, part
    actions.work(own, action.pk)
    file_removals.work(own)
    with tenant_context(own):
        done = BulkAction.objects.get(pk=action.pk)
        assert (done.state, done.done) == (BulkState.DONE, 1)
        assert not Contact.objects.filter(pk=who.pk).exists()
        assert suppression.holds("email", f"{CANARY}@example.com")
    assert traces(alice) == []
    assert len(killed) == len(contact_data()) + 6
