"""Five million posts: as a Parquet file, as a table of SQLite and as one of PostgreSQL; what `bench/data.py` reads pages of.

Rows of a social network, 250 bytes each as JSON: ten fields, one of ten countries, a post every twenty seconds, 50,000 people.
"""

from __future__ import annotations

import os
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import psycopg

ROWS, LIMIT = int(os.environ.get("BENCH_ROWS", "5000000")), 1_000
SECONDS, PEOPLE = 20, 50_000
COUNTRIES = ("GB", "AT", "BR", "DE", "ES", "FR", "IT", "NL", "PL", "SE")
FIELDS = ("id", "created_at", "country", "lang", "topic", "text", "likes", "reposts", "author", "author_code")
FIRST = datetime(2024, 1, 1)  # noqa: DTZ001 - the file's times carry no zone
MIDDLE = FIRST + timedelta(seconds=SECONDS * (ROWS // 2))
COUNTRY = "BR"

_MADE = f"""
SELECT n AS id, TIMESTAMP '{FIRST}' + to_seconds(n * {SECONDS}) AS created_at, list_extract({list(COUNTRIES)}, 1 + (hash(n) % 10)::INT) AS country,
       list_extract(['en', 'de', 'pt', 'es'], 1 + (hash(n + 1) % 4)::INT) AS lang,
       list_extract(['transport', 'prices', 'weather', 'sport'], 1 + (hash(n + 2) % 4)::INT) AS topic,
       format('The {{}} bus in street {{}} is {{}} minutes late again, and nobody at the stop knows why.', n % 97, n % 9973, n % 31) AS text,
       (hash(n + 3) % 500)::INT AS likes, (hash(n + 4) % 90)::INT AS reposts, 'u' || (hash(n + 5) % {PEOPLE}) AS author, author AS author_code
FROM range({ROWS}) made(n) ORDER BY n
"""

TOML = """
[datasets.{name}]
title = "Posts"
{source}
key = "id"
time = "created_at"
subject = "author"
max_records_per_day = 100000000
max_requests_per_second = 5000

[datasets.{name}.fields]
id = {{ type = "integer", class = "key", examples = ["1"] }}
created_at = {{ type = "timestamp" }}
country = {{ type = "string", examples = ["BR"] }}
lang = {{ type = "string", examples = ["en"] }}
topic = {{ type = "string", examples = ["prices"] }}
text = {{ type = "string" }}
likes = {{ type = "integer" }}
reposts = {{ type = "integer" }}
author = {{ type = "string", class = "subject" }}
author_code = {{ type = "string", examples = ["u1"] }}
"""


def parquet(folder: Path) -> Path:
    """The posts as a file, made once for each folder."""
    final = folder / f"posts{ROWS}.parquet"
    if not final.exists():
        draft = final.with_suffix(".draft")
        duckdb.sql(f"COPY ({_MADE}) TO '{draft}' (FORMAT parquet)")
        draft.rename(final)
    return final


def sqlite_copy(folder: Path) -> Path:
    """The same posts in SQLite, with the index that the query wants."""
    final = folder / f"posts{ROWS}.db"
    if final.exists():
        return final
    draft = final.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    made = sqlite3.connect(draft, isolation_level=None)
    made.execute(f"CREATE TABLE posts (id INTEGER PRIMARY KEY, created_at TEXT, {', '.join(FIELDS[2:])})")
    made.execute("BEGIN")
    rows = duckdb.execute(
        "SELECT id, strftime(created_at, '%Y-%m-%d %H:%M:%S'), COLUMNS(* EXCLUDE (id, created_at)) FROM read_parquet(?)",
        [str(parquet(folder))],
    )
    while some := rows.fetchmany(50_000):
        made.executemany(f"INSERT INTO posts VALUES ({', '.join('?' * len(FIELDS))})", some)
    made.execute("CREATE INDEX by_country ON posts (country, created_at, id)")
    made.execute("COMMIT")
    made.close()
    return draft.rename(final)


def postgresql_copy(folder: Path, address: str) -> None:
    """The same posts in a database of PostgreSQL, with the indexes that the documentation asks for."""
    rows = duckdb.execute("SELECT * FROM read_parquet(?)", [str(parquet(folder))])
    with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as connection:
        types = "id BIGINT PRIMARY KEY, created_at TIMESTAMP, country TEXT, lang TEXT, topic TEXT, text TEXT, likes INT, reposts INT"
        connection.execute(f"CREATE TABLE posts ({types}, author TEXT, author_code TEXT)")
        with connection.cursor().copy("COPY posts FROM STDIN") as copy:
            while some := rows.fetchmany(20_000):
                for row in some:
                    copy.write_row(row)
        for name, columns in (("by_country", "country, created_at, id"), ("by_time", "created_at, id"), ("by_author", "author")):
            connection.execute(f"CREATE INDEX {name} ON posts ({columns})")
        connection.execute("VACUUM ANALYZE posts")
