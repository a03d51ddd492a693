"""``candor serve``: whom it refuses to listen for; ``tests/streams/serving`` opens its pages."""

from tests.streams.commands.conftest import Run


def test_it_does_not_listen_for_others_unless_told_so(candor: Run) -> None:
    refused = candor("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.exit_code == 2
    assert "--without-authentication" in refused.stderr
    assert candor("serve", "--host", "0.0.0.0", "--port", "0", "--without-authentication").exit_code == 2
    assert candor("serve", "--host", "192.0.2.1", "--port", "0").exit_code in (2, 3)
