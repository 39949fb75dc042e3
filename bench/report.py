#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Turn the runner's record of rounds into bench.json: one row for each case and
# flavor, and the environment that it was measured in.
import argparse
import json
import os
import statistics
import sys

MIB = 1 << 20


def parse_rounds(path):
    """Records of lines "NAME VALUE...", each ended by an empty line."""
    rounds, record = [], {}
    with open(path) as lines:
        for line in lines:
            name, _, values = line.rstrip("\n").partition(" ")
            if name:
                record[name] = values
            else:
                rounds.append(record)
                record = {}
    return rounds


def numbers(record, name):
    return [float(value) for value in record.get(name, "").split()]


def round_result(record):
    """A round as it appears in bench.json."""
    before, peak, after = map(int, numbers(record, "threads"))
    secs = float(record["secs"])
    result = {
        "round": int(record["round"]),
        "secs": secs,
        "drain_secs": float(record["drain_secs"]),
        "kops_per_producer": numbers(record, "kops"),
        "mem_avg_mib": round(float(record["mem_avg_bytes"]) / MIB, 4),
        "mem_peak_mib": round(float(record["mem_peak_bytes"]) / MIB, 4),
        "threads_before": before,
        "threads_peak": peak,
        "threads_after": after,
        "threads_new": record["threads_new"].split(),
        "slab_taken": None,
        "slab_returned": None,
        "memory_secs": numbers(record, "memory_secs"),
        "memory_mib": [round(b / MIB, 4)
                       for b in numbers(record, "memory_bytes")],
    }
    if "slab" in record:
        taken, returned = map(int, numbers(record, "slab"))
        result.update(slab_taken=taken, slab_returned=returned)
        kinds = ("gp_normal", "gp_expedited", "gp_trace")
        for kind, count in zip(kinds, numbers(record, "grace_periods")):
            result[kind + "_per_sec"] = round(count / secs, 1)
    if "bystander_us" in record:
        result["bystander_us"] = float(record["bystander_us"])
    if "graces" in record:
        names = ("graces_per_sec", "graces_mean_ms", "graces_max_ms")
        result.update(zip(names, numbers(record, "graces")))
    if "failure" in record:
        result["failure"] = record["failure"]
    return result


def failure_of(results, want_rounds):
    for result in results:
        if "failure" in result:
            return result["failure"]
        if result["slab_taken"] != result["slab_returned"]:
            return "taken from slab: {slab_taken}, returned: {slab_returned}".format(**result)
    if len(results) != want_rounds:
        return f"{len(results)} of {want_rounds} rounds measured"
    return None


def sum_or_none(results, name):
    values = [result[name] for result in results]
    return None if None in values else sum(values)


def make_row(case, flavor, results, want_rounds):
    # Thread counts belong together: those of the round that left most behind.
    worst = max(results, key=lambda r: (r["threads_after"] - r["threads_before"],
                                        r["threads_peak"] - r["threads_before"]))
    kops = [statistics.mean(r["kops_per_producer"]) for r in results]
    row = {
        "case": case,
        "flavor": flavor,
        "kops_mean": round(statistics.mean(kops), 4),
        "kops_stddev": round(statistics.stdev(kops), 4) if len(kops) > 1 else 0.0,
        "mem_avg_mib": round(statistics.mean(r["mem_avg_mib"] for r in results), 4),
        "mem_peak_mib": max(r["mem_peak_mib"] for r in results),
        "threads_before": worst["threads_before"],
        "threads_peak": worst["threads_peak"],
        "threads_after": worst["threads_after"],
        "threads_new": sum((r["threads_new"] for r in results), []),
        "slab_taken": sum_or_none(results, "slab_taken"),
        "slab_returned": sum_or_none(results, "slab_returned"),
    }
    for name in ("gp_normal_per_sec", "gp_expedited_per_sec", "gp_trace_per_sec",
                 "graces_per_sec", "graces_mean_ms"):
        if name in results[0]:
            row[name] = round(statistics.mean(r[name] for r in results), 1)
    if "graces_max_ms" in results[0]:
        row["graces_max_ms"] = max(r["graces_max_ms"] for r in results)
    failure = failure_of(results, want_rounds)
    if failure:
        row["failure"] = failure
        row["kops_mean"] = row["kops_stddev"] = None
    row["rounds"] = results
    return row


def make_rows(results, want_rounds):
    """Rows of ((case, flavor), result of a round), those of a case together."""
    by_row = {}
    for key, result in results:
        by_row.setdefault(key, []).append(result)
    cases = list(dict.fromkeys(case for case, _ in by_row))
    keys = sorted(by_row, key=lambda key: cases.index(key[0]))
    return [make_row(*key, by_row[key], want_rounds) for key in keys]


def write_bench(path, env, rows):
    """Complete or not at all."""
    partial = path + ".tmp"
    with open(partial, "w") as out:
        json.dump({"env": env, "rows": rows}, out, indent=1)
        out.write("\n")
    os.replace(partial, path)


def number_or_text(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def parse_env(settings):
    env = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        env[name] = value if name in ("commit", "date", "kernel") else number_or_text(value)
    return env


def main():
    parser = argparse.ArgumentParser(
        description="Make bench.json of what the runner recorded.")
    parser.add_argument("rounds", help="the runner's --out file")
    parser.add_argument("json", help="the file to write")
    parser.add_argument("env", nargs="*", metavar="NAME=VALUE",
                        help="environment of the run; rounds=N is how many each row must have")
    args = parser.parse_args()

    env = parse_env(args.env)
    records = parse_rounds(args.rounds)
    if not records:
        sys.exit(f"report.py: no round was recorded in {args.rounds}")
    want = env.get("rounds") or max(int(r["round"]) for r in records)
    results = [((r["case"], r["flavor"]), round_result(r)) for r in records]
    write_bench(args.json, env, make_rows(results, want))


if __name__ == "__main__":
    main()
