#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""check_schema.py SCHEMA[#/$defs/NAME] [FILE]: does the JSON of FILE (or of standard input) conform to SCHEMA, or that part?

Knows the part of JSON Schema that docs/plan.schema.json uses; a keyword beyond it is an error, not a pass.
"""
import json, re, sys

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int}
SAID = {"$schema", "$defs", "title", "description"}


def is_type(value, name):
    return isinstance(value, TYPES[name]) and not (name == "integer" and isinstance(value, bool))


def part_of(root, pointer):
    for part in pointer.lstrip("#/").split("/"):
        root = root[part] if part else root
    return root


def check(root, schema, value, where):
    """Yields what is wrong."""
    for keyword, wanted in schema.items():
        if keyword in SAID or keyword == "patternProperties" or keyword == "additionalProperties":
            continue
        if keyword == "$ref":
            yield from check(root, part_of(root, wanted), value, where)
        elif keyword == "const":
            if value != wanted:
                yield f"{where}: {value!r} is not {wanted!r}"
        elif keyword == "enum":
            if value not in wanted:
                yield f"{where}: {value!r} is not among {wanted}"
        elif keyword == "type":
            if not any(is_type(value, name) for name in ([wanted] if isinstance(wanted, str) else wanted)):
                yield f"{where}: {value!r} is no {wanted}"
        elif keyword == "pattern":
            if isinstance(value, str) and not re.search(wanted, value):
                yield f"{where}: {value!r} does not match {wanted}"
        elif keyword == "minimum":
            if is_type(value, "integer") and value < wanted:
                yield f"{where}: {value} is below {wanted}"
        elif keyword == "items":
            for nth, item in enumerate(value if isinstance(value, list) else ()):
                yield from check(root, wanted, item, f"{where}[{nth}]")
        elif keyword == "required":
            for key in wanted:
                if isinstance(value, dict) and key not in value:
                    yield f"{where}: no {key!r}"
        elif keyword == "anyOf":
            if all(list(check(root, choice, value, where)) for choice in wanted):
                yield f"{where}: fits none of {wanted}"
        elif keyword == "properties":
            pass  # below, with its two companions
        else:
            yield f"{where}: keyword {keyword!r} is not known here"
    if isinstance(value, dict):
        yield from check_properties(root, schema, value, where)


def check_properties(root, schema, value, where):
    for key, item in value.items():
        fits = [schema["properties"][key]] if key in schema.get("properties", {}) else []
        fits += [sub for pattern, sub in schema.get("patternProperties", {}).items() if re.search(pattern, key)]
        if not fits and schema.get("additionalProperties", True) is False:
            yield f"{where}: {key!r} is not in the schema"
        for sub in fits:
            yield from check(root, sub, item, f"{where}.{key}")


def main():
    path, _, part = sys.argv[1].partition("#")
    with open(path, encoding="utf-8") as file:
        schema = json.load(file)
    with open(sys.argv[2], encoding="utf-8") if len(sys.argv) > 2 else sys.stdin as file:
        value = json.load(file)
    errors = list(check(schema, part_of(schema, part), value, "$"))
    for error in errors:
        print(error)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
