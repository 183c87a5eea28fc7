#!/usr/bin/env python3
"""Django's command line. `up` starts a whole private stack first; `backup`, `restore` and `restart` work on one from
outside; `--home DIR` finds a stack that is running."""

import os
import sys


def main() -> int:
    """Run one management command; returns the exit code of `up`, otherwise Django's own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdp.settings")
    if sys.argv[1:2] == ["up"]:
        # Starts servers before any setting can be known, hence before Django.
        from cdp.stack.stack import main as up

        return up(sys.argv[2:])
    if sys.argv[1:2] == ["backup"]:
        from cdp.stack.backup import main as backup

        return backup(sys.argv[2:])
    if sys.argv[1:2] == ["restore"]:
        from cdp.stack.restore import main as restore

        return restore(sys.argv[2:])
    if sys.argv[1:2] == ["restart"]:
        from cdp.stack.renewal import main as restart

        return restart(sys.argv[2:])
    if "--home" in sys.argv:
        from cdp.stack.embedded import apply_stack_env
        from cdp.stack.machine import StartError

        at = sys.argv.index("--home")
        try:
            apply_stack_env(sys.argv[at + 1])
        except StartError as problem:
            sys.exit(str(problem))
        del sys.argv[at : at + 2]
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
