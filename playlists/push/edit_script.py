"""The cheapest safe calls that turn the current entries of a playlist into the wanted order: pure functions.

There are three phases: DELETE the unwanted entries, POST the missing ones, move those that are out of order.
Entries that stay keep their *date added*. It takes at most one call per 100 removed entries, per inserted run
(of at most 100) and per block outside a longest increasing subsequence; the time is n log n. Unless
nothing is wanted, no call empties a playlist, and none adds a second copy of an entry: the next run can
repair what a crash between two calls leaves.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from playlists.block import MAX_TRACKS
from playlists.playlist_types import EditScript, Insert, Move, Operation, PlaylistEntry, Remove, Replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from playlists.block import Mode

CHUNK = 100
"""Uris per call, the API's limit."""


def edit_script(
    current: Sequence[PlaylistEntry],
    wanted: Iterable[str],
    *,
    mode: Mode = "mirror",
    max_edit_calls: int = 25,
) -> EditScript:
    """Return the calls from `current` to `wanted` (distinct uris, in order).

    Local files and null items cannot be removed: they stay, at the end. A uri that the playlist holds twice
    is removed and added again, since a DELETE takes all its copies; `dates_lost` names it. In mode ``append``
    nothing is removed or moved, and missing uris are added at the end. The whole list is replaced only where
    the steps take more than `max_edit_calls` and a replace is cheaper, or where the steps would empty the
    playlist for a moment; never where a replace would delete a local or null entry.
    """
    distinct = dict.fromkeys(wanted)
    # an entry that Spotify did not remove, and that is wanted again, is in the playlist already
    current = [
        replace(entry, is_refused=False) if entry.is_refused and entry.uri in distinct else entry
        for entry in current
    ]
    uris, left_out = _split_by_room(current, list(distinct), mode)
    if mode == "append":
        present = {entry.uri for entry in current}
        missing = [uri for uri in uris if uri not in present]
        return EditScript(
            operations=tuple(_inserts(len(current), missing)), added=tuple(missing), left_out=left_out
        )
    steps = replace(_steps(current, uris), left_out=left_out)
    return (
        _replacement(current, uris, steps) if _should_replace(current, uris, steps, max_edit_calls) else steps
    )


def apply_operation(entries: Sequence[PlaylistEntry], operation: Operation) -> list[PlaylistEntry]:
    """Return what the playlist holds after one call; new entries have no date yet."""
    if isinstance(operation, Remove):
        gone = set(operation.uris)
        return [entry for entry in entries if entry.uri not in gone]
    if isinstance(operation, Insert):
        new = [PlaylistEntry(uri) for uri in operation.uris]
        return [*entries[: operation.position], *new, *entries[operation.position :]]
    if isinstance(operation, Replace):
        return [PlaylistEntry(uri) for uri in operation.uris]
    start, end = operation.range_start, operation.range_start + operation.range_length
    block, rest = entries[start:end], [*entries[:start], *entries[end:]]
    target = operation.insert_before - (len(block) if operation.insert_before > start else 0)
    return [*rest[:target], *block, *rest[target:]]


def touched_positions(before: Sequence[str | None], after: Sequence[str | None]) -> list[int]:
    """Return the positions in `after` with a neighbour that they did not have in `before`, ascending."""
    seams = set(pairwise(["", *before, ""]))
    framed = ["", *after, ""]
    touched: set[int] = set()
    for index, pair in enumerate(pairwise(framed)):
        if pair not in seams:
            touched.update(position for position in (index - 1, index) if 0 <= position < len(after))
    return sorted(touched)


def _split_by_room(
    current: Sequence[PlaylistEntry], wanted: list[str], mode: Mode
) -> tuple[list[str], tuple[str, ...]]:
    """Split the wanted uris into those for which the playlist has room, and the rest."""
    if mode == "append":
        present = {entry.uri for entry in current}
        room = MAX_TRACKS - len(current)
        missing = [uri for uri in wanted if uri not in present]
        return [uri for uri in wanted if uri in present] + missing[:room], tuple(missing[room:])
    room = MAX_TRACKS - sum(not entry.is_removable for entry in current)
    return wanted[:room], tuple(wanted[room:])


def _steps(current: Sequence[PlaylistEntry], wanted: Sequence[str]) -> EditScript:
    """Return removals, inserts and moves; inserts come first where the removals would empty the playlist."""
    target = {uri: index for index, uri in enumerate(wanted)}
    copies = Counter(entry.uri for entry in current if entry.is_removable and entry.uri is not None)
    removed = [uri for uri, count in copies.items() if uri not in target or count > 1]
    gone = set(removed)
    survivors: list[int] = []
    unremovable = 0
    for entry in current:
        if not entry.is_removable:
            survivors.append(len(wanted) + unremovable)
            unremovable += 1
        elif entry.uri is not None and entry.uri not in gone:
            survivors.append(target[entry.uri])

    standing = set(survivors)
    missing = [index for index in range(len(wanted)) if index not in standing]
    inserts, moves, moved = _arrange(survivors, missing, wanted)
    removals: list[Operation] = [Remove(tuple(chunk)) for chunk in _chunks(removed)]
    # where everything is removed, a crash between removing and adding would leave an emptied playlist
    first, second = (removals, inserts) if survivors else (inserts, removals)
    return EditScript(
        operations=(*first, *second, *moves),
        added=tuple(wanted[index] for index in missing if wanted[index] not in gone),
        removed=tuple(uri for uri in removed if uri not in target),
        moved=tuple(wanted[index] for index in moved if index < len(wanted)),
        dates_lost=tuple(_oldest(current, [uri for uri in removed if uri in target])),
    )


def _should_replace(
    current: Sequence[PlaylistEntry], wanted: Sequence[str], steps: EditScript, max_edit_calls: int
) -> bool:
    if any(not entry.is_removable for entry in current) or not steps.operations:
        return False
    if not _keeps_something(current, steps) and wanted:
        fresh_only = not steps.dates_lost
        has_room = len(current) + len(wanted) <= MAX_TRACKS
        # a doubled uri is removed before it is added: only a replace never empties the playlist in between
        if current and not (fresh_only and has_room):
            return True
    calls = max(1, -(-len(wanted) // CHUNK))
    return len(steps.operations) > max_edit_calls and calls < len(steps.operations)


def _keeps_something(current: Sequence[PlaylistEntry], steps: EditScript) -> bool:
    gone = {uri for operation in steps.operations if isinstance(operation, Remove) for uri in operation.uris}
    return any(entry.uri not in gone for entry in current)


def _replacement(current: Sequence[PlaylistEntry], wanted: Sequence[str], steps: EditScript) -> EditScript:
    """PUT the first 100 and POST the rest in order: every entry loses its date, and `dates_lost` names it."""
    chunks = list(_chunks(wanted)) or [[]]
    operations: list[Operation] = [Replace(tuple(chunks[0]))]
    operations += _inserts(len(chunks[0]), wanted[len(chunks[0]) :])
    lasting = set(wanted)
    standing = dict.fromkeys(entry.uri for entry in current if entry.uri is not None and entry.uri in lasting)
    lost = _oldest(current, list(standing))
    return replace(steps, operations=tuple(operations), dates_lost=tuple(lost), is_replace=True)


def _oldest(current: Sequence[PlaylistEntry], uris: Sequence[str]) -> list[PlaylistEntry]:
    """Return for each uri its entry with the earliest date."""
    asked = set(uris)
    oldest: dict[str, PlaylistEntry] = {}
    for entry in current:
        if entry.uri in asked and entry.uri is not None:
            known = oldest.get(entry.uri)
            if known is None or (entry.added_at or "~") < (known.added_at or "~"):
                oldest[entry.uri] = entry
    return [oldest[uri] for uri in uris]


def _arrange(
    survivors: Sequence[int], missing: Sequence[int], wanted: Sequence[str]
) -> tuple[list[Operation], list[Operation], list[int]]:
    """Return inserts, moves, and the places that are moved.

    Entries are numbers here: their places in the wanted order. `survivors` are those that stay, as they stand
    now; `missing` are the places to be filled, ascending.
    """
    blocks = _blocks(survivors)
    anchors = _longest_increasing(blocks)
    inserted_after = _insert_places(blocks, anchors, missing)
    sequence: list[int] = []
    inserts: list[Operation] = []
    for token in (-1, *survivors):
        if token >= 0:
            sequence.append(token)
        inserted = inserted_after.get(token, [])
        inserts += _inserts(len(sequence), [wanted[index] for index in inserted])
        sequence += inserted
    movers = {token for number, block in enumerate(blocks) if number not in anchors for token in block}
    for number, block in enumerate(blocks):
        if number not in anchors:
            # an entry that was inserted inside a block moves along with it
            for token in block[:-1]:
                movers.update(inserted_after.get(token, []))
    moves = _moves(sequence, movers)
    missing_set = set(missing)
    return inserts, moves, sorted(token for token in movers if token not in missing_set)


def _blocks(survivors: Sequence[int]) -> list[list[int]]:
    """Cut the survivors into the longest runs that stay neighbours in the wanted order, but for inserts."""
    rank = {token: place for place, token in enumerate(sorted(survivors))}
    blocks: list[list[int]] = []
    for token in survivors:
        if blocks and rank[token] == rank[blocks[-1][-1]] + 1:
            blocks[-1].append(token)
        else:
            blocks.append([token])
    return blocks


def _longest_increasing(blocks: Sequence[Sequence[int]]) -> set[int]:
    """Return the numbers of the blocks that stay: a longest increasing subsequence, so that the fewest move.

    Among several it takes the one with most entries, so that short blocks move past long ones.
    """
    place = {start: index + 1 for index, start in enumerate(sorted(block[0] for block in blocks))}
    best: list[tuple[int, int, int]] = [(0, 0, -1)] * (len(blocks) + 1)  # a Fenwick tree of prefix maxima
    previous: list[int] = []
    for number, block in enumerate(blocks):
        index, chain = place[block[0]] - 1, (0, 0, -1)
        while index > 0:
            chain = max(chain, best[index])
            index -= index & -index
        previous.append(chain[2])
        chain = (chain[0] + 1, chain[1] + len(block), number)
        index = place[block[0]]
        while index < len(best):
            best[index] = max(best[index], chain)
            index += index & -index
    chosen: set[int] = set()
    number = max(best)[2]
    while number >= 0:
        chosen.add(number)
        number = previous[number]
    return chosen


def _insert_places(
    blocks: Sequence[Sequence[int]], anchors: set[int], missing: Sequence[int]
) -> dict[int, list[int]]:
    """Return after which survivor each missing place is inserted; -1 is the top.

    All missing places between two anchors (blocks that stay) are inserted as one run behind the first anchor,
    and blocks that move are put in between afterwards. Only where that takes more calls is a run inserted
    inside the block that it belongs to.
    """
    block_of = {token: number for number, block in enumerate(blocks) for token in block}
    runs = _runs(missing)
    standing = sorted(block_of)
    inside: dict[int, int] = {}
    segments: dict[int, list[int]] = {}
    run_starting = {run[0]: number for number, run in enumerate(runs)}
    places = {run[0] - 1 for run in runs}
    anchor = -1
    successor = dict(pairwise(standing))
    for token in (-1, *standing):
        if token >= 0 and block_of[token] in anchors:
            anchor = token
        if token in places:
            number = run_starting[token + 1]
            segments.setdefault(anchor, []).append(number)
            follower = successor.get(token, -1)
            if token != anchor and follower >= 0 and block_of[follower] == block_of[token]:
                inside[number] = token
    inserted_after: dict[int, list[int]] = {}
    for home, numbers in segments.items():
        inner = [number for number in numbers if number in inside]
        outer = sum(len(runs[number]) for number in numbers if number not in inside)
        together = _calls(outer + sum(len(runs[number]) for number in inner)) + len(inner)
        apart = _calls(outer) + sum(_calls(len(runs[number])) for number in inner)
        for number in numbers:
            place = inside[number] if number in inside and apart <= together else home
            inserted_after.setdefault(place, []).extend(runs[number])
    return inserted_after


def _moves(sequence: Sequence[int], movers: set[int]) -> list[Operation]:
    """Return the moves that put each block behind its predecessor, in wanted order.

    A Fenwick tree counts the entries before each slot of `sequence`. A block that moves leaves its slot and
    is counted at the slot of the entry that it now follows, so that a position costs log n.
    """
    tree = _Fenwick([0] + [1] * len(sequence))
    slot = {token: index + 1 for index, token in enumerate(sequence)}
    pieces: list[list[int]] = []
    for token in sequence:
        if token not in movers:
            continue
        follows_on = pieces and token == pieces[-1][-1] + 1 and slot[token] == slot[pieces[-1][-1]] + 1
        if follows_on:
            pieces[-1].append(token)
        else:
            pieces.append([token])
    moves: list[Operation] = []
    for piece in sorted(pieces):
        target_slot = slot[piece[0] - 1] if piece[0] else 0
        start, before = tree.total(slot[piece[0]] - 1), tree.total(target_slot)
        if before not in (start, start + len(piece)):
            moves.append(Move(range_start=start, insert_before=before, range_length=len(piece)))
        for token in piece:
            tree.add(slot[token], -1)
            slot[token] = target_slot
        tree.add(target_slot, len(piece))
    return moves


class _Fenwick:
    """Prefix sums over slots whose weights change; reading and changing one take log n."""

    def __init__(self, weights: Sequence[int]) -> None:
        self._tree = [0, *weights]
        for index in range(1, len(self._tree)):
            parent = index + (index & -index)
            if parent < len(self._tree):
                self._tree[parent] += self._tree[index]

    def add(self, slot: int, weight: int) -> None:
        index = slot + 1
        while index < len(self._tree):
            self._tree[index] += weight
            index += index & -index

    def total(self, last_slot: int) -> int:
        """Sum of the weights up to and with `last_slot`."""
        index, total = last_slot + 1, 0
        while index > 0:
            total += self._tree[index]
            index -= index & -index
        return total


def _inserts(position: int, uris: Sequence[str]) -> list[Operation]:
    return [Insert(position + number * CHUNK, tuple(chunk)) for number, chunk in enumerate(_chunks(uris))]


def _runs(indexes: Sequence[int]) -> list[list[int]]:
    """Cut ascending indexes into runs of consecutive ones."""
    runs: list[list[int]] = []
    for index in indexes:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return runs


def _chunks(uris: Sequence[str]) -> list[Sequence[str]]:
    return [uris[start : start + CHUNK] for start in range(0, len(uris), CHUNK)]


def _calls(uris: int) -> int:
    return -(-uris // CHUNK)
