#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Put bench.json files of several boots together. The flavors of the kernel's own
# map are named after the kernel: "kernel-free-rcu" in NAME=FILE becomes
# "NAME-free-rcu". Boots of the same NAME are rounds of the same rows.
import argparse
import json

from report import make_rows, write_bench


def renamed(flavor, name):
    return name + flavor.removeprefix("kernel") if flavor.startswith("kernel") else flavor


def load(argument):
    name, _, path = argument.partition("=")
    with open(path) as file:
        return name, json.load(file)


def merged_rows(boots, rounds):
    results = [((row["case"], renamed(row["flavor"], name)), result)
               for name, bench in boots for row in bench["rows"] for result in row["rounds"]]
    return make_rows(results, rounds)


def merged_env(boots, reference):
    first, bench = boots[0]
    same = [bench["env"] for name, bench in boots if name == first]
    env = dict(bench["env"])
    env["kernel"] = " and ".join(dict.fromkeys(bench["env"]["kernel"] for _, bench in boots))
    env["rounds"] = sum(boot["rounds"] for boot in same)
    env["secs"] = round(sum(boot["secs"] for boot in same), 3)
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
    env = merged_env(boots, args.reference)
    write_bench(args.json, env, merged_rows(boots, env["rounds"]))


if __name__ == "__main__":
    main()
