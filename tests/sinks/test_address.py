"""URLs of ClickHouse, and that no password gets out."""

import pytest

from sinks.address import Address, parse, with_password
from sinks.base import SinkRefused
from sinks.clickhouse import connect


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h", Address("http", "candor", "h", 8123)),
        ("https://h", Address("https", "candor", "h", 8443)),
        ("http://u:p%40ss%2Fw@h:81/db", Address("http", "db", "h", 81, "u", "p@ss/w")),
        ("http://h:81?database=db", Address("http", "db", "h", 81)),
        ("https://[::1]:9/db?verify=false&compress=zstd", Address("https", "db", "::1", 9, options={"verify": "false", "compress": "zstd"})),
        ("chdb:///var/lib/candor", Address("chdb", "candor", path="/var/lib/candor")),
        ("chdb:///with%20space?database=x", Address("chdb", "x", path="/with space")),
    ],
)
def test_urls_are_read(url: str, expected: Address) -> None:
    assert expected == parse(url)


@pytest.mark.parametrize(
    "url", ["", "h:8123", "tcp://h", "http://", "http://h:port/", "chdb://folder", "chdb:///", "http://h?max_threads=3", "http://h/a-b"]
)
def test_urls_that_cannot_be_used_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(SinkRefused) as refused:
        connect(url.replace("://", "://user:hush@") if url.startswith("http") else url)

    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("password", ["hu@qz", "hu/qz", "h/u@qz", "hu#qz", "hu?qz", "12#qz", "12/qz", "12?qz=1", "h[u]qz", "hu@q/z", "hu℀qz"])
def test_a_password_that_is_not_encoded_is_refused_and_no_part_of_it_told(password: str) -> None:
    with pytest.raises(SinkRefused, match="percent-encoded") as refused:
        connect(f"http://kim:{password}@127.0.0.1:1/x")

    assert not any(part in str(refused.value) for part in ("hu", "qz", "kim", "127"))
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h:1/db?verify=false", "http://default:p%40s%2Fs%3A%25@h:1/db?verify=false"),
        ("https://u@[::1]:1", "https://u:p%40s%2Fs%3A%25@[::1]:1"),
        ("http://u%40x:old@h", "http://u%40x:p%40s%2Fs%3A%25@h"),
        ("chdb:///folder", "chdb:///folder"),
    ],
)
def test_a_password_of_its_own_takes_the_place_of_the_one_in_the_url(url: str, expected: str) -> None:
    assert with_password(url, "p@s/s:%") == expected
    assert parse(expected).password == ("" if url.startswith("chdb") else "p@s/s:%")


def test_the_password_is_in_no_text() -> None:
    clickhouse = connect("http://user:hush@127.0.0.1:9/db")

    assert "hush" not in f"{clickhouse} {clickhouse!r} {clickhouse.address} {clickhouse.address!r}"
    assert "127.0.0.1:9/db" in repr(clickhouse)
