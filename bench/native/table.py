#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Print bench.json of the native benchmark as a table. Exit status 1 if a row
# failed, or reuse-after-rcu-gp is too slow in one.
import argparse
import json
import os
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
from table import print_aligned  # noqa: E402

SLOWEST = 0.9
BUSY = 0.9
HEADER = ("flavor", "M pairs/s", "min..max", "/normal", "peak MiB",
          "RCU GPs/s", "expedited/s", "cores used", "slab taken = returned")


def median_speed(row):
    return statistics.median(row["pairs_per_sec"]) / 1e6


def ratio(row, base):
    return median_speed(row) / median_speed(base) if base and median_speed(base) else None


def per_sec(row, name):
    return f"{sum(row[name]) / sum(row['secs']):.0f}"


# What older results do not tell: how many objects of a thread wait, and how long one
# core takes to see what another wrote, from round to round.
LATER = {
    "wait/thread": ("waiting", lambda of, threads: f"{statistics.mean(of) / threads:.0f}"),
    "hand-over ns": ("hand_over_ns", lambda of, threads: f"{min(of)}..{max(of)}"),
}


def later_header(row):
    return tuple(title for title, (name, _) in LATER.items() if name in row)


def later_cells(row, threads):
    return tuple(show(row[name], threads) for name, show in LATER.values() if name in row)


def cells(row, base, threads):
    speeds = [speed / 1e6 for speed in row["pairs_per_sec"]]
    return (row["flavor"],
            f"{median_speed(row):.2f}",
            f"{min(speeds):.2f}..{max(speeds):.2f}",
            f"{ratio(row, base):.2f}x" if ratio(row, base) else "-",
            f"{max(row['peak_bytes']) / (1 << 20):.2f}",
            per_sec(row, "gps_passed"),
            per_sec(row, "gp_expedited"),
            f"{min(row['cores_used']):.0%}",
            f"{sum(row['slab_taken'])} = {sum(row['slab_returned'])}") + later_cells(row, threads)


def print_group(title, rows, threads):
    base = next((r for r in rows if r["flavor"] == "normal"), None)
    print(f"\n{title}")
    print_aligned([HEADER + later_header(rows[0])] + [cells(row, base, threads) for row in rows])
    for row in rows:
        name = f"{title}, {row['flavor']}"
        if "failure" in row:
            yield f"{name}: FAILED: {row['failure']}"
        if min(row["cores_used"]) < BUSY:
            print(f"  {row['flavor']}: not to be trusted, something else used the cores too")
        if row["flavor"] == "reuse-after-rcu-gp" and (ratio(row, base) or 0) < SLOWEST:
            yield f"{name}: {ratio(row, base) or 0:.2f}x the speed of normal, below {SLOWEST}x"


def main():
    parser = argparse.ArgumentParser(
        description="Print bench.json of the native benchmark as a table.")
    parser.add_argument("json")
    with open(parser.parse_args().json) as file:
        bench = json.load(file)

    print("{host_cpu}, {cores} cores, {compiler}, {date}, commit {commit}".format(**bench["env"]))
    print("{threads} threads, {size}-byte objects, median of {rounds} rounds of {secs} s".format(
        **bench["env"]))
    groups = {}
    for row in bench["rows"]:
        groups.setdefault(f"{row['case']}, {row['live']} live per thread", []).append(row)
    complaints = [c for title, rows in groups.items()
                  for c in print_group(title, rows, bench["env"]["threads"])]
    if complaints:
        print()
    for complaint in complaints:
        print(complaint)
    sys.exit(bool(complaints))


if __name__ == "__main__":
    main()
