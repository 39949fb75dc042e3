#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Put bench.json files of several boots together. The flavors of the kernel's own
# map are named after the kernel: "kernel-free-rcu" in NAME=FILE becomes
# "NAME-free-rcu". Boots of the same NAME are rounds of the same rows.
import argparse
import json

from report import make_row


def renamed(flavor, name):
    return name + flavor.removeprefix("kernel") if flavor.startswith("kernel") else flavor


def load(argument):
    name, _, path = argument.partition("=")
    with open(path) as file:
        return name, json.load(file)


def merged_rows(boots):
    by_row = {}
    for name, bench in boots:
        for row in bench["rows"]:
            key = row["case"], renamed(row["flavor"], name)
            by_row.setdefault(key, []).extend(row["rounds"])
    want = max(map(len, by_row.values()))
    cases = list(dict.fromkeys(case for case, _ in by_row))
    keys = sorted(by_row, key=lambda key: cases.index(key[0]))
    return [make_row(*key, by_row[key], want) for key in keys], want


def merged_env(boots, rounds, reference):
    env = dict(boots[0][1]["env"])
    env["kernel"] = " and ".join(dict.fromkeys(bench["env"]["kernel"] for _, bench in boots))
    env["rounds"] = rounds
    env["secs"] = round(sum(bench["env"]["secs"] for name, bench in boots
                            if name == boots[0][0]), 3)
    env["reference"] = reference
    return env


def main():
    parser = argparse.ArgumentParser(
        description="Put bench.json files of several boots together.")
    parser.add_argument("json", help="the file to write")
    parser.add_argument("reference", help="the flavor that others are compared with")
    parser.add_argument("boots", nargs="+", metavar="NAME=FILE")
    args = parser.parse_args()

    boots = [load(boot) for boot in args.boots]
    rows, rounds = merged_rows(boots)
    with open(args.json, "w") as out:
        json.dump({"env": merged_env(boots, rounds, args.reference), "rows": rows}, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
