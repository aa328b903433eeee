"""Seeded damage to the content of files: to bytes, to texts, and to values of JSON and TOML."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

#: Values that no field expects, in place of any value.
ODD: tuple[Any, ...] = (
    *(None, True, False, "", "1", "1_0", "NaN", "é\n", "\ud800", "x" * 300, "../../up", "/etc/passwd", "٣"),
    *(0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**30, 10**5000, 3_000_000_000, 99999999999999999999),
    *(0.5, -0.0, 1e-320, 1e308, float("nan"), float("inf"), float("-inf")),
    *([], {}, [[]], [None], {"": None}, [1, 2, 3, 4], ["a"], {"a": 1}),
)

#: Depths of lists in lists: beyond what people write, near the limits of Python, and far beyond them.
DEPTHS = (70, 400, 950, 5_000, 100_000)

#: A text that stands for raw JSON, which `json.dumps` could not write.
_RAW = "@RAW@"


def damaged_bytes(data: bytes, rng: random.Random) -> bytes:
    """A file with one to three faults of disks, transfers and malice."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = _faults_of_bytes(data, rng)
    return data


def _faults_of_bytes(data: bytes, rng: random.Random) -> bytes:  # noqa: PLR0911
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.choice((1, 1, 2, 4, 8, 100)))
    match rng.randrange(9):
        case 0:
            return data[:start]
        case 1:
            return data[start:]
        case 2:
            return data[:start] + rng.randbytes(end - start) + data[end:]
        case 3 if data:
            place = min(start, len(data) - 1)
            return data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :]
        case 4:
            return data[:start] + data[end:]
        case 5:
            return data[:start] + data[start:end] * rng.choice((2, 3, 50)) + data[end:]
        case 6:
            return (
                data[:start] + rng.choice((b"\xff" * 8, b"\0" * 8, b"\x7f\xff\xff\xff")) + data[start + 8 :]
            )
        case 7 if rng.random() < 0.1:
            return b""
        case _:
            return data + rng.randbytes(rng.choice((1, 10, 1000)))


def damaged_text(text: str, rng: random.Random) -> bytes:
    """A text of rows of numbers and words, with one word, row or byte damaged."""
    if rng.random() < 0.3:
        return damaged_bytes(text.encode(), rng)
    rows = text.split("\n")
    number = rng.randrange(len(rows))
    words = rows[number].split(",")
    odd = rng.choice(
        ("", "nan", "inf", "1_0", "1e400", "-1", "9" * 400, "99999999999999999999", "x", "٣", "1;2", '"')
    )
    match rng.randrange(5):
        case 0 | 1:
            words[rng.randrange(len(words))] = odd
            rows[number] = ",".join(words)
        case 2:
            rows.insert(number, rows[number])
        case 3:
            del rows[number]
        case 4:
            rows[number] = ",".join(words * rng.choice((2, 30)))
    return "\n".join(rows).encode()


def damaged_value(value: Any, rng: random.Random) -> Any:
    """A copy of a value of JSON with one to three parts replaced, removed, added or repeated."""
    whole = [copy.deepcopy(value)]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        place, key = rng.choice(list(_places(whole)))
        match rng.randrange(8):
            case 0 if place is not whole:
                del place[key]
            case 1 if isinstance(place, dict):
                place[rng.choice(("", "odd", "é", "__class__", "1e9"))] = place[key]
            case 1 if place is not whole:
                place.insert(key, copy.deepcopy(place[key]))
            case 2:
                place[key] = [place[key]]
            case 3 if type(place[key]) in (int, float) and abs(place[key]) < 10**30:
                place[key] = rng.choice((-place[key], place[key] * 10**9, str(place[key]), place[key] + 0.5))
            case 4 if rng.random() < 0.3:
                place[key] = f"{_RAW}{rng.choice(DEPTHS)}{rng.choice('[{')}"
            case _:
                place[key] = copy.deepcopy(rng.choice(ODD))
    return whole[0]


def _places(value: Any) -> Any:
    """Every container below a value with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in list(items):
        yield value, key
        if isinstance(part, dict | list):
            yield from _places(part)


def damaged_json(value: Any, rng: random.Random) -> bytes:
    """The text of a JSON value of which a part is damaged: a value, a name that comes twice, depth, or bytes."""
    damaged = damaged_value(value, rng) if rng.random() < 0.85 else value
    text = json_text(damaged)
    if rng.random() < 0.05 and text.startswith('{"'):
        text = text[:-1] + ", " + text[1:]
    data = text.encode("utf-8", "surrogatepass")
    return damaged_bytes(data, rng) if damaged is value or rng.random() < 0.05 else data


def json_text(value: Any) -> str:
    """JSON of a damaged value; nested lists and numbers of thousands of digits are put in as text."""
    parts: list[str] = []

    def plain(found: Any) -> Any:
        if isinstance(found, dict):
            return {key: plain(part) for key, part in found.items()}
        if isinstance(found, list):
            return [plain(part) for part in found]
        if isinstance(found, str) and found.startswith(_RAW):
            depth, mark = int(found[len(_RAW) : -1]), found[-1]
            raw = "[" * depth + "]" * depth if mark == "[" else '{"a":' * depth + "1" + "}" * depth
        elif isinstance(found, int) and abs(found) >= 10**40:
            raw = "1" + "0" * 5000
        else:
            return found
        parts.append(raw)
        return f"{_RAW}{len(parts) - 1}{_RAW}"

    text = json.dumps(plain(value), ensure_ascii=False)
    for number, raw in enumerate(parts):
        text = text.replace(f'"{_RAW}{number}{_RAW}"', raw)
    return text
