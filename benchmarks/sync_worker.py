"""What a worker does with one data sync, in a process of its own whose memory is looked at: `TENANT SYNC` as arguments. It
prints a line when it is ready, waits for one, and prints another when the run has ended."""

import os
import sys


def main(tenant_id: int, sync_id: int) -> None:
    """Work until the run has ended."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdp.settings")
    import django  # settings come from the surroundings

    django.setup()
    from destinations import connections, runs
    from destinations.models import Destination, Sync, SyncRun
    from tenants.isolation.context import tenant_context

    with tenant_context(tenant_id):
        destination = Destination.objects.get(pk=Sync.objects.get(pk=sync_id).destination_id)
    with connections.opened(destination):
        print("ready", flush=True)
    sys.stdin.readline()
    for _slice in range(100):
        runs.work(tenant_id, sync_id)
        with tenant_context(tenant_id):
            if not SyncRun.objects.filter(sync_id=sync_id, state__in=SyncRun.ACTIVE).exists():
                break
    print("done", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
