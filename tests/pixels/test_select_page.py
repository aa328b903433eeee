"""The page on which targets are drawn: who may ask it, what it takes, and how it works in a browser."""

from __future__ import annotations

import http.client

import pytest
from served_page import served

from dlatrack.errors import InputError


def ask(
    port: int, path: str, method: str = "GET", body: str | None = None, **headers: str
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def test_boxes_are_taken() -> None:
    with served() as (port, path, chosen):
        status, page = ask(port, path)
        assert status == 200
        assert b'viewBox="0 0 320 180"' in page
        assert b"NONCE" not in page
        status, picture = ask(port, f"{path}frame.jpg")
        assert (status, picture[:2]) == (200, b"\xff\xd8")
        assert ask(port, f"{path}boxes", "POST", "[[1, 2, 30, 40], [5.5, 6, 7, 8]]") == (200, b"started")
    assert [box.tolist() for box in chosen] == [[1, 2, 30, 40], [5.5, 6, 7, 8]]


def test_refused_boxes_are_told_and_others_may_follow() -> None:
    def check(boxes) -> None:
        if not boxes or boxes[0][0] < 0:
            raise InputError("target 1 lies <outside>")

    with served(check) as (port, path, chosen):
        assert ask(port, f"{path}boxes", "POST", "[[-1, 2, 3, 4]]") == (422, b"target 1 lies <outside>")
        assert ask(port, f"{path}boxes", "POST", "[]")[0] == 422
        for text in ("{", "7", '[["a", 1, 2, 3]]', "[[[1]]]", "[" * 5000, "null"):
            assert ask(port, f"{path}boxes", "POST", text)[0] == 400, text
        assert ask(port, f"{path}boxes", "POST", " " * 200_000)[0] == 400
        assert ask(port, f"{path}else", "POST", "[]")[0] == 400
        assert ask(port, f"{path}else")[0] == 404
        assert chosen == []
    assert chosen == ["given up"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::1]:9", ""])
def test_other_names_of_the_host_are_refused(host: str) -> None:
    with served() as (port, path, chosen):
        assert ask(port, path, Host=host)[0] == 403
        assert ask(port, f"{path}boxes", "POST", "[[1, 2, 3, 4]]", Host=host)[0] == 403
        assert ask(port, path, Host="localhost:9")[0] == 200
        assert chosen == []


def test_the_secret_is_needed() -> None:
    with served() as (port, path, chosen):
        for wrong in (
            "/",
            "//",
            "/frame.jpg",
            f"{path[:-2]}/",
            f"{path[:-2]}%C3%A9/",
            path.rstrip("/") + "x/",
        ):
            assert ask(port, wrong)[0] == 403, wrong
        assert ask(port, "/x/boxes", "POST", "[[1, 2, 3, 4]]")[0] == 403
        assert chosen == []


def test_nothing_else_is_loaded_or_run() -> None:
    with served() as (port, path, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", path)
        answer = connection.getresponse()
        policy = answer.headers["Content-Security-Policy"]
        page = answer.read().decode()
        connection.close()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
