"""How fast a history is imported, and in how much memory: `python -m tests.bench.history [ROWS …]`.

Each measurement runs in a process of its own, against a temporary embedded PostgreSQL with its usual safety
on. The bare minimum is what cannot be saved: parse the same files with orjson into Arrow columns, COPY them
into a table without an index. Both are timed without Python's start and its imports.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, cast

import orjson
import pyarrow as pa
from pyarrow import csv

from profiles import database as databases
from profiles.database import Database, embedded
from profiles.settings import Settings
from tests.support.without_spotify import without_spotify

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS_PER_FILE = 15_000  # as Spotify cuts them, about 12 MB
NAMES = (
    "Common People",
    "夜に駆ける",
    "Дорогой длинною",
    "مرحبا",
    "Où est le soleil ?",
    "He said “no”",
    "Ágætis byrjun",
)
REASONS = ("trackdone", "fwdbtn", "clickrow", "backbtn", "endplay", "unexpected-exit-while-paused")


def life(count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Rows of an extended export: some 20,000 tracks, skips, podcasts, offline plays, a few doubled rows."""
    random = Random(seed)
    ended = datetime(2012, 1, 1, tzinfo=UTC)
    row: dict[str, Any] = {}
    for _ in range(count):
        if row and random.random() < 0.003:
            yield row
            continue
        ended += timedelta(seconds=random.randint(20, 700))
        track = int(random.paretovariate(0.4)) % 20_000
        is_episode = random.random() < 0.03
        is_skipped = random.random() < 0.25
        row = {
            "ts": ended.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "platform": random.choice(("android", "ios", "Windows 10 (10.0.19045; x64)", "web_player")),
            "ms_played": random.randint(0, 30_000 if is_skipped else 300_000),
            "conn_country": "DE",
            "ip_addr": f"203.0.113.{track % 250}",
            "master_metadata_track_name": None if is_episode else f"{NAMES[track % len(NAMES)]} {track}",
            "master_metadata_album_artist_name": None if is_episode else f"Artist {track % 1500}",
            "master_metadata_album_album_name": None if is_episode else f"Album {track % 4000}",
            "spotify_track_uri": None if is_episode else f"spotify:track:{track:022d}",
            "episode_name": f"Episode {track}" if is_episode else None,
            "episode_show_name": f"Show {track % 40}" if is_episode else None,
            "spotify_episode_uri": f"spotify:episode:{track:022d}" if is_episode else None,
            "audiobook_title": None,
            "audiobook_uri": None,
            "audiobook_chapter_uri": None,
            "audiobook_chapter_title": None,
            "reason_start": random.choice(REASONS),
            "reason_end": "fwdbtn" if is_skipped else "trackdone",
            "shuffle": random.random() < 0.5,
            "skipped": is_skipped,
            "offline": random.random() < 0.05,
            "offline_timestamp": int(ended.timestamp()) - 200,
            "incognito_mode": False,
        }
        yield row


def write(folder: Path, count: int) -> int:
    """Write an export of so many rows; returns its bytes."""
    folder.mkdir(parents=True)
    rows = life(count)
    for number in range(-(-count // ROWS_PER_FILE)):
        part = list(islice(rows, ROWS_PER_FILE))
        path = folder / f"Streaming_History_Audio_{number}.json"
        path.write_bytes(orjson.dumps(part, option=orjson.OPT_INDENT_2))
    return sum(path.stat().st_size for path in folder.iterdir())


def bare_minimum(database: Database, folder: Path) -> dict[str, Any]:
    """Parse and COPY, nothing else."""
    keys = [key for key in next(life(1)) if key != "ip_addr"]
    types = {"ts": "timestamptz", "ms_played": "bigint", "offline_timestamp": "bigint"}
    types |= dict.fromkeys(("shuffle", "skipped", "offline", "incognito_mode"), "boolean")
    columns = ", ".join(f"{key} {types.get(key, 'text')}" for key in keys)
    arrow = {"bigint": pa.int64(), "boolean": pa.bool_()}
    schema = pa.schema([(key, arrow.get(types.get(key, ""), pa.string())) for key in keys])
    with closing(database.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"drop table if exists bare_minimum; create table bare_minimum ({columns})")
        connection.commit()
        began = time.monotonic()
        for path in sorted(folder.iterdir()):
            rows = orjson.loads(path.read_bytes())
            values = zip(*map(itemgetter(*keys), rows), strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(values, schema, strict=True)]
            sink = pa.BufferOutputStream()
            csv.write_csv(pa.table(arrays, schema=schema), sink)
            with pa.BufferReader(sink.getvalue()) as reader:
                cursor.copy_expert("copy bare_minimum from stdin (format csv, header)", reader, size=1 << 18)
        connection.commit()
        seconds = time.monotonic() - began
        cursor.execute("drop table bare_minimum")
    return {"seconds": seconds}


def product(database: Database, folder: Path, home: Path) -> dict[str, Any]:
    """Import as users do. The loader imports dlt, which is not measured, when it is first used: so here."""
    import extract.loading.loader  # noqa: F401
    from extract.history import import_history

    settings = Settings(tracker_home=home)
    report = import_history(without_spotify(settings, database), folder)
    return {"seconds": report.seconds, "rows": report.rows_read, "new": report.new_rows}


def measured(what: str, database: Database, folder: Path, home: Path) -> dict[str, Any]:
    """Run one measurement in a child."""
    command = [sys.executable, "-m", "tests.bench.history", "--child", what, str(folder), str(home)]
    command += [database.host, database.name]
    return cast(
        "dict[str, Any]", json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    )


def child(what: str, folder: str, home: str, host: str, name: str) -> None:
    """Measure, and tell the peak memory in MB."""
    database = Database(host, embedded.PORT, name, embedded.SUPERUSER)
    run = (
        bare_minimum(database, Path(folder))
        if what == "minimum"
        else product(database, Path(folder), Path(home))
    )
    print(json.dumps(run | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


def bench(sizes: list[int]) -> list[dict[str, Any]]:
    """Measure each size in a database of its own."""
    results = []
    with tempfile.TemporaryDirectory(prefix="tracker-bench-") as temporary:
        home = Path(temporary)
        sockets = embedded.ensure_running(home)
        try:
            for size in sizes:
                database = Database(str(sockets), embedded.PORT, f"bench_{size}", embedded.SUPERUSER)
                databases.create_if_missing(database)
                databases.prepare(database)
                export = home / f"export_{size}"
                megabytes = write(export, size) / 1e6
                before = measured("minimum", database, export, home)
                first = measured("import", database, export, home)
                again = measured("import", database, export, home)
                after = measured("minimum", database, export, home)
                minimum = (before["seconds"] + after["seconds"]) / 2
                results.append(
                    {
                        "rows": first["rows"],
                        "megabytes": round(megabytes),
                        "new_rows": first["new"],
                        "import_s": round(first["seconds"], 2),
                        "rows_per_s": round(first["rows"] / first["seconds"]),
                        "peak_mb": first["peak_mb"],
                        "minimum_s": round(minimum, 2),
                        "ratio": round(first["seconds"] / minimum, 2),
                        "reimport_s": round(again["seconds"], 2),
                        "reimport_new_rows": again["new"],
                    }
                )
        finally:
            embedded.stop(home)
    return results


def main() -> None:
    """Print the table."""
    if "--child" in sys.argv:
        child(*sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="python -m tests.bench.history", description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=[100_000, 1_000_000])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = bench(options.rows)
    if options.json:
        print(json.dumps(results, indent=2))
        return
    for name in results[0]:
        print(f"{name:<18}" + "".join(f"{result[name]:>14,}" for result in results))
    print(f"memory, largest ÷ smallest size: {results[-1]['peak_mb'] / results[0]['peak_mb']:.2f}")


if __name__ == "__main__":
    main()
