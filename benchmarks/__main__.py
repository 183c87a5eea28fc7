"""`python -m benchmarks`: everything in one run, side by side; writes docs/benchmarks.md unless it is the quick one."""

import argparse
import os
import sys
from pathlib import Path

from benchmarks.stack import ROOT, Stack


def main() -> int:
    """Start a stack, measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rows", type=int, default=0, help="rows of the large import (1,000,000)")
    parser.add_argument("--quick", action="store_true", help="small sizes, under a minute, nothing is written")
    parser.add_argument(
        "--only", default="", help="parts to run, by name, with commas: imports,validation,peers,pixel…"
    )
    parser.add_argument("--fleet-seconds", type=float, default=0, help="how long many workspaces work at once (600)")
    parser.add_argument("--release", default="", help="keep the ratios of this run as those of this release")
    parser.add_argument("--out", type=Path, help="where to write the page (docs/benchmarks.md)")
    options = parser.parse_args()
    out = options.out or (None if options.quick or options.only else ROOT / "docs" / "benchmarks.md")
    with Stack() as stack:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cdp.settings")
        os.environ["LOG_LEVEL"] = "WARNING"
        import django  # the settings need the stack's addresses

        django.setup()
        from benchmarks import plan

        page = plan.measure(
            stack, plan.sizes(options.rows, quick=options.quick, fleet_seconds=options.fleet_seconds), only=options.only
        )
    if out:
        out.parent.mkdir(exist_ok=True)
        out.write_text(page)
        print(f"\nWritten to {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
