#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Turn the record of the native benchmark into bench.json: one row for each case,
# number of live objects and flavor, with a list of what its rounds came to.
import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), ".."))
from report import failure_of, numbers, parse_env, parse_rounds, write_bench  # noqa: E402

COUNTERS = ("batches", "refills", "depot_gets", "robbed", "from_slab", "failures")
# Objects of all threads: waiting on average and at most, and ready to be taken.
FREED = ("waiting", "waiting_peak", "ready")
GRACE_PERIODS = ("gps_passed", "gp_normal", "gp_expedited", "gp_trace")


def round_result(record, threads):
    secs = int(record["ns"]) / 1e9
    taken, returned = map(int, numbers(record, "slab"))
    result = {
        "secs": secs,
        "cores_used": round(int(record["ours_ns"]) / 1e9 / secs / threads, 4),
        "tries": int(record["tries"]),
        "pairs_per_sec": round(sum(numbers(record, "pairs")) / secs),
        "hand_over_ns": int(record["hand_over_ns"]),
        "peak_bytes": int(record["peak_bytes"]),
        "slab_taken": taken,
        "slab_returned": returned,
    }
    for name in GRACE_PERIODS + COUNTERS + FREED:
        result[name] = int(record[name])
    return result


def make_row(key, results, want_rounds):
    row = dict(zip(("case", "live", "flavor"), key))
    for name in results[0]:
        row[name] = [result[name] for result in results]
    failure = failure_of(results, want_rounds)
    if failure:
        row["failure"] = failure
    return row


def main():
    parser = argparse.ArgumentParser(
        description="Make bench.json of what the native benchmark recorded.")
    parser.add_argument("rounds", help="what the program printed")
    parser.add_argument("json", help="the file to write")
    parser.add_argument("env", nargs="*", metavar="NAME=VALUE",
                        help="environment of the run; threads=N and rounds=N are needed")
    args = parser.parse_args()

    env = parse_env(args.env)
    by_row = {}
    # A record without its last line is of a round that did not end.
    for record in parse_rounds(args.rounds):
        if "slab" in record:
            key = (record["case"], int(record["live"]), record["flavor"])
            by_row.setdefault(key, []).append(round_result(record, env["threads"]))
    if not by_row:
        sys.exit(f"report.py: no round was recorded in {args.rounds}")
    cases = list(dict.fromkeys(case for case, _, _ in by_row))
    # By name, for the flavors come first by turns.
    keys = sorted(by_row, key=lambda key: (cases.index(key[0]), *key[1:]))
    write_bench(args.json, env, [make_row(key, by_row[key], env["rounds"]) for key in keys])


if __name__ == "__main__":
    main()
