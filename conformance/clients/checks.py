"""What the checks in Python share. Each check prints one JSON line: {"name", "ok", "why"}.

Every script's first argument is a bucket of its own; endpoint, keys and region come by the environment, as AWS's own
programs read them.
"""

import json
import random
import sys
import traceback

import urllib3

MIB = 1024 * 1024
bucket = sys.argv[1]

# Key names that clients, signatures and listings have to agree about.
ODD_NAMES = ("with space", "ünï/çødé/日本語", "a+b", "100%", "%2F", "a&b=c;d", "q?x#y", "'(*)!~", "dots..y")

_checks = []


def check(name):
    def keep(function):
        _checks.append((name, function))
        return function

    return keep


def run_checks():
    for name, function in _checks:
        result = {"name": name, "ok": True, "why": ""}
        try:
            function()
        except Exception:
            result.update(ok=False, why=traceback.format_exc(limit=-3))
        print(json.dumps(result), flush=True)


def same(actual, expected, what="value"):
    if actual != expected:
        raise AssertionError(f"{what}: {_short(actual)} instead of {_short(expected)}")


def raises(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} was raised")


def post_form(url, fields, data, name="file.bin"):
    """A form as a browser sends it, its file last. Status, headers, body."""
    answer = urllib3.request("POST", url, fields={**fields, "file": (name, data)}, redirect=False)
    return answer.status, answer.headers, answer.data


def fill(size, seed):
    """Bytes that do not repeat, so that no piece of them can stand in another's place; the same for the same seed."""
    return random.Random(f"{seed}").randbytes(size)


def _short(value):
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:400]}… ({len(text)} characters)"
