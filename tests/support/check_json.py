#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_json.py ARGUMENT...: is the JSON on standard input what docs/plan.schema.json says of `sysswitch ARGUMENT...`?

check_json.py --part NAME: of that part. check_json.py --documents: prints which parts are documents of a verb.
"""
import json, os, sys
from check_schema import check, part_of

HERE = os.path.dirname(os.path.abspath(__file__))
SCHEMA = os.path.join(HERE, "..", "..", "docs", "plan.schema.json")
PLANS = {"diff", "switch", "dry-activate", "rehearse", "rollback", "test", "boot"}
OWN = {"generations", "show", "status", "states", "lint", "log", "prune", "verify", "export", "init", "container"}
VALUED = {"-C", "--directory", "--root", "-p", "--profile", "-n", "--lines", "--states", "--all", "--format", "--plan"}


def words_of(arguments):
    """Without options; their values that are words of their own are left out, too."""
    words, behind = [], ""
    for word in arguments:
        if not word.startswith("-") and not (behind in VALUED and not (behind == "-p" and words[:1] == ["log"])):
            words.append(word)
        behind = word
    return words


def document(arguments):
    """The part of the schema, "" for the whole of it; None: no such verb."""
    verb, *more = words_of(arguments)
    given = {word.split("=")[0] for word in arguments if word.startswith("-")}
    if verb == "diff" and "--all" in given:
        return "diff_all"
    if verb in PLANS:
        return ""
    if verb == "show" and "--saved" in given:
        return "show_saved"
    if verb == "log" and more:
        return "log_one" if more[0].isdigit() else "history"
    if verb == "log" and given & {"-p", "--patch"}:
        return "history"
    if verb == "container":
        return "container_" + more[0]
    return verb if verb in OWN else None


def main():
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    if sys.argv[1] == "--documents":
        print(*sorted(name for name, part in schema["$defs"].items() if "schema" in part.get("properties", {})))
        return 0
    part = sys.argv[2] if sys.argv[1] == "--part" else document(sys.argv[1:])
    if part is None or (part and part not in schema["$defs"]):
        print("the schema has nothing of:", *sys.argv[1:])
        return 1
    where = part_of(schema, f"/$defs/{part}" if part else "")
    errors = list(check(schema, where, json.load(sys.stdin), "$"))
    print("\n".join(errors))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
