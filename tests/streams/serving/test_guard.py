"""Who may ask and who may decide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import ConfigurationError
from streams.serving.guard import HEADERS, Forbidden, Guard, NotLocal, names_of


@pytest.fixture
def guard() -> Guard:
    return Guard.of(names_of("127.0.0.1", 8380, ["Scores.Example"], others_may_ask=False))


@pytest.mark.parametrize("host", ["127.0.0.1:8380", "localhost:8380", "LOCALHOST:8380", "[::1]:8380", "scores.example", "scores.example:8380"])
def test_its_own_names_are_known(guard: Guard, host: str) -> None:
    assert guard.knows(host)


@pytest.mark.parametrize("host", [None, "", "localhost", "127.0.0.1", "127.0.0.1:8381", "evil.example:8380", "localhost.evil.example:8380"])
def test_a_name_that_leads_here_from_elsewhere_is_not(guard: Guard, host: str | None) -> None:
    assert not guard.knows(host)


def test_who_listens_for_others_must_say_so_and_give_a_name() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.7", "scores.example", "127.0.0.1.example"):
        with pytest.raises(NotLocal, match="asks nobody for a password"):
            names_of(host, 80, ["scores.example"], others_may_ask=False)
        with pytest.raises(NotLocal, match="--name"):
            names_of(host, 80, [], others_may_ask=True)
        assert names_of(host, 80, ["scores.example"], others_may_ask=True) == {"scores.example", "scores.example:80"}
    for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"):
        assert "localhost" in names_of(host, 80, [], others_may_ask=False)
    for name in ("a b", "*", "http://scores.example", "scores.example/", "-", ""):
        with pytest.raises(ConfigurationError, match="--name"):
            names_of("127.0.0.1", 80, [name], others_may_ask=False)


OWN = {"Origin": "http://127.0.0.1:8380", "Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize("headers", [OWN, {"Origin": "http://localhost:8380"}, {"Origin": "https://scores.example"}])
def test_a_form_of_its_own_page_may_come(guard: Guard, headers: dict[str, str]) -> None:
    guard.demand_own_page(headers)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "127.0.0.1:8380"},
        {"Origin": "file://127.0.0.1:8380"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "https://evil.example"},
        *({**OWN, "Sec-Fetch-Site": site} for site in ("cross-site", "same-site", "none", "")),
    ],
)
def test_any_other_may_not(guard: Guard, headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        guard.demand_own_page(headers)


@given(st.text(max_size=80), st.text(max_size=80))
def test_only_the_token_of_the_session_lets_a_form_pass(cookie: str, token: str) -> None:
    guard = Guard.of(frozenset())
    session = guard.session(None)
    assert session == guard.session(session)
    assert session != guard.session(cookie)
    guard.demand_token(session, guard.token(session))
    for one, other in ((None, guard.token(session)), (session, token), (cookie, token), (guard.session(None), guard.token(session))):
        with pytest.raises(Forbidden):
            guard.demand_token(one, other)
    with pytest.raises(Forbidden):
        Guard.of(frozenset()).demand_token(session, guard.token(session))


def test_nothing_but_files_of_the_server_may_be_used_on_its_pages() -> None:
    policy = dict(part.split(" ", 1) for part in HEADERS["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert set(policy.values()) == {"'none'", "'self'"}
