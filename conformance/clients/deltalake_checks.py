"""delta-rs: tables whose commits are conditional PUTs, with its default settings."""

import multiprocessing
import sys
import traceback

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from checks import bucket, check, fill, run_checks, same

WRITERS = 4
COMMITS = 5


def rows(writer, commits):
    return pa.table({"writer": [writer] * commits, "commit": list(range(commits))})


def read(path, **options):
    table = DeltaTable(f"s3://{bucket}/{path}", **options).to_pyarrow_table()
    return table.sort_by([("writer", "ascending"), ("commit", "ascending")])


def append(writer):
    """One process among several that append to the same table, each row a commit of its own."""
    for commit in range(COMMITS):
        row = pa.table({"writer": [writer], "commit": [commit]})
        write_deltalake(f"s3://{bucket}/shared", row, mode="append")


@check("deltalake write_deltalake: created, appended to, overwritten: each version can be read")
def versions():
    for data, mode in ((rows(1, 3), "error"), (rows(2, 2), "append"), (rows(3, 1), "overwrite")):
        write_deltalake(f"s3://{bucket}/versions", data, mode=mode)
    same(read("versions", version=0).to_pydict(), rows(1, 3).to_pydict())
    same(read("versions", version=1).num_rows, 5)
    same(read("versions").to_pydict(), rows(3, 1).to_pydict())


@check("deltalake write_deltalake: 20 MiB in partitions: the same bytes")
def large():
    count = 20_000
    noise = [fill(1000, n) for n in range(count)]
    kinds = [n % 4 for n in range(count)]
    data = pa.table({"writer": kinds, "commit": range(count), "noise": pa.array(noise, pa.binary())})
    write_deltalake(f"s3://{bucket}/large", data, partition_by=["writer"])
    back = DeltaTable(f"s3://{bucket}/large").to_pyarrow_table().sort_by("commit")
    same(back["noise"].to_pylist() == noise, True, "the same bytes")


@check("deltalake write_deltalake: appends from several processes at once: no commit is lost, none is there twice")
def concurrent():
    write_deltalake(f"s3://{bucket}/shared", rows(0, COMMITS))
    fresh = multiprocessing.get_context("spawn")
    writers = [fresh.Process(target=append, args=(n,)) for n in range(1, WRITERS + 1)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    same([writer.exitcode for writer in writers], [0] * WRITERS, "all came to their end")
    expected = pa.concat_tables([rows(n, COMMITS) for n in range(WRITERS + 1)])
    same(read("shared").to_pydict(), expected.to_pydict())
    same(DeltaTable(f"s3://{bucket}/shared").version(), WRITERS * COMMITS, "one version a commit")


@check("deltalake create_checkpoint, delete, vacuum: what was deleted is gone, the rest stays")
def upkeep():
    table = DeltaTable(f"s3://{bucket}/shared")
    table.create_checkpoint()
    table.delete("writer = 1")
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    same(sorted(set(read("shared")["writer"].to_pylist())), [0, 2, 3, 4])


if __name__ == "__main__":
    run_checks()
