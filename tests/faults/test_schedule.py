"""The histories of the campaign: reproducible, storable, and each kind of trouble among them."""

from __future__ import annotations

import json

from tests.faults.schedule import ANSWERS, MACHINE, History, random_history
from tests.faults.troubles import PREPARATIONS


def test_a_seed_always_makes_the_same_history() -> None:
    assert random_history(7) == random_history(7)
    assert random_history(7) != random_history(8)


def test_a_stored_history_is_lived_again_as_it_was() -> None:
    history = random_history(3)
    assert History.read(json.loads(json.dumps(history.as_json()))) == history


def test_twenty_five_histories_meet_every_kind_of_trouble() -> None:
    met = {
        step.trouble.kind
        for seed in range(25)
        for step in random_history(seed).steps
        if step.trouble is not None
    }
    assert met == {*ANSWERS, *MACHINE}


def test_every_trouble_of_the_machine_is_prepared() -> None:
    assert set(MACHINE) - {"full_disk"} <= set(PREPARATIONS)
