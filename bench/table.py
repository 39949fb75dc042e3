#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Print bench.json as a table. Exit status 1 if a row failed.
import argparse
import json
import re
import statistics
import sys

# The flavor in question and those it is held against: the module's map, beside the
# kernel's, or the kernel's own map with the series in one boot, or with the one allocator
# and the other by turns.
SUBJECTS = {
    "reuse-after-rcu-gp": {
        "normal": "normal",
        "the kernel's": "kernel",
        "preallocated": "kernel-prealloc",
        "free-rcu": "free-rcu",
    },
    "kernel-reuse-after-rcu-gp": {
        "normal": "kernel",
        "preallocated": "kernel-prealloc",
    },
    "flavored-reuse-after-rcu-gp": {
        "normal": "flavored",
        "classic": "classic",
        "preallocated": "flavored-prealloc",
        "classic's preallocated": "classic-prealloc",
        "classic's free_rcu": "classic-free-rcu",
    },
}


def reference_of(bench):
    """The flavor that each row is compared with, if there is a row of it."""
    flavors = {row["flavor"] for row in bench["rows"]}
    default = "kernel" if "normal" not in flavors and "kernel" in flavors else "normal"
    return bench["env"].get("reference", default)


def columns(reference, graces):
    besides = ("GPs/s besides", "longest ms") if graces else ()
    return ("flavor", "k/s per producer", f"/{reference}", "avg MiB", f"/{reference}",
            "peak MiB", "threads", "slab taken = returned") + besides


def ratio(row, base, name):
    if not base or not base[name] or row[name] is None:
        return "-"
    return f"{row[name] / base[name]:.2f}x"


def cells(row, base, graces):
    if "failure" in row:
        return None
    slab = "-"
    if row["slab_taken"] is not None:
        slab = f"{row['slab_taken']} = {row['slab_returned']}"
    besides = ()
    if graces:
        besides = (f"{row['graces_per_sec']:.0f}", f"{row['graces_max_ms']:.1f}")
    return (row["flavor"],
            f"{row['kops_mean']:.2f} ± {row['kops_stddev']:.2f}",
            ratio(row, base, "kops_mean"),
            f"{row['mem_avg_mib']:.2f}",
            ratio(row, base, "mem_avg_mib"),
            f"{row['mem_peak_mib']:.2f}",
            "{threads_before}/{threads_peak}/{threads_after}".format(**row),
            slab) + besides


def print_aligned(lines, indent="  "):
    widths = [max(map(len, column)) for column in zip(*lines)]
    for line in lines:
        padded = [line[0].ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(line[1:], widths[1:])]
        print(indent + "  ".join(padded))


def print_case(case, rows, reference):
    base = next((r for r in rows if r["flavor"] == reference and "failure" not in r), None)
    graces = all("graces_per_sec" in row for row in rows)
    lines = [columns(reference, graces)]
    lines += [line for line in (cells(r, base, graces) for r in rows) if line]
    print(f"\n{case}")
    print_aligned(lines)
    for row in rows:
        if "failure" in row:
            print(f"  {row['flavor']}: FAILED: {row['failure']}")


# Figures of one round.
def speed(result):
    return statistics.mean(result["kops_per_producer"])


def memory(result):
    return result["mem_avg_mib"]


def peak(result):
    return result["mem_peak_mib"]


def bystander(result):
    return result["bystander_us"]


def median_ratio(pairs):
    if not pairs or not all(below for _, below in pairs):
        return "-"
    return f"{statistics.median(above / below for above, below in pairs):.2f}x"


def divide(row, base, figure):
    """Only what ran in the same round is compared: it may have had a boot of its own."""
    if not row or not base:
        return "-"
    return median_ratio([(figure(ours), figure(theirs))
                         for ours, theirs in zip(row["rounds"], base["rounds"])])


def peak_to_average(row):
    return median_ratio([(peak(r), memory(r)) for r in row["rounds"]]) if row else "-"


def ratio_lines(subject, others, by_key, cases):
    """A name and a ratio for each case, of those lines that have any."""
    def line(name, other, figure):
        return [name] + [divide(by_key.get((case, subject)), by_key.get((case, other)), figure)
                         for case in cases]

    lines = [line(f"speed / {name}", other, speed) for name, other in others.items()]
    lines += [line(f"memory / {name}", other, memory) for name, other in others.items()]
    rows = [by_key.get((case, subject)) for case in cases]
    lines.append(["peak / average memory"] + [peak_to_average(row) for row in rows])
    if any(row and "bystander_us" in row["rounds"][0] for row in rows):
        lines.append(line("bystander's delay / normal", others["normal"], bystander))
    return [cells for cells in lines if any(cell != "-" for cell in cells[1:])]


def print_ratios(rows, cases):
    by_key = {(r["case"], r["flavor"]): r for r in rows if "failure" not in r}
    cases = [case for case in cases if case != "no_op"]
    for subject, others in SUBJECTS.items():
        if not any((case, subject) in by_key for case in cases):
            continue
        lines = [[f"{subject}, medians of ratios"] + cases]
        lines += ratio_lines(subject, others, by_key, cases)
        print()
        print_aligned(lines, indent="")


def is_pool_worker(thread):
    """Whether a thread is of the pools that all of the kernel shares."""
    return re.match(r"kworker/u?[0-9]+:", thread)


def print_threads(rows):
    pool = sum(bool(is_pool_worker(t)) for row in rows for t in row["threads_new"])
    if pool:
        print(f"\nIn all, {pool} workers joined the kernel's shared pools and were "
              "idle at the end of their round.")
    for row in rows:
        others = [t for t in row["threads_new"] if not is_pool_worker(t)]
        if others:
            print(f"{row['case']}, {row['flavor']}: THREADS ADDED: {', '.join(others)}")


def main():
    parser = argparse.ArgumentParser(description="Print bench.json as a table.")
    parser.add_argument("json")
    with open(parser.parse_args().json) as file:
        bench = json.load(file)

    env = bench["env"]
    print("{kernel}, {cpus} CPUs ({accelerator}), {host_cpu}, {date}, commit {commit}".format(**env))
    print("{rounds} rounds, {secs} s measured per row, {value_size}-byte values; threads: kernel threads before/at peak/after".format(**env))
    if (env.get("keys", 64), env.get("maps", 1)) != (64, 1):
        print("{keys} keys of each producer, {maps} maps".format(**env))
    if "memalloc" in env:
        print("{memalloc} in place of memalloc.c".format(**env))
    if "gps" in env:
        print("{gps} expedited grace periods a second waited for besides".format(**env))
    cases = list(dict.fromkeys(row["case"] for row in bench["rows"]))
    reference = reference_of(bench)
    for case in cases:
        print_case(case, [row for row in bench["rows"] if row["case"] == case], reference)
    print_ratios(bench["rows"], cases)
    print_threads(bench["rows"])
    sys.exit(any("failure" in row for row in bench["rows"]))


if __name__ == "__main__":
    main()
