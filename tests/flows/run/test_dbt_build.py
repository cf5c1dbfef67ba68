"""The verdict on a build, from the results of its nodes."""

from __future__ import annotations

from types import SimpleNamespace

from flows.run import dbt_build


def node(status: str, kind: str = "model", message: str | None = None) -> SimpleNamespace:
    named = SimpleNamespace(resource_type=kind, name=f"some_{kind}")
    return SimpleNamespace(status=status, node=named, message=message)


def test_a_warning_of_one_playlist_does_not_fail_a_build() -> None:
    results = [node("success"), node("pass", "test"), node("warn", "test", "Got 2 results")]
    verdict = dbt_build.read_verdict([*results, node("success", "operation")])
    assert verdict.failures == ()
    assert verdict.warnings == ("test some_test: Got 2 results",)
    assert str(verdict) == "1 models built, 1 tests passed, 1 warn"


def test_failed_and_skipped_nodes_are_told_apart() -> None:
    verdict = dbt_build.read_verdict(
        [node("error", message="no\n  column x"), node("skipped"), node("fail", "test")]
    )
    assert verdict.failures == ("model some_model: no column x", "test some_test: fail")
    assert verdict.skipped == 1
