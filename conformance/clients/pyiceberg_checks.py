"""pyiceberg: its two ways to a file, and tables through a catalogue in SQLite, with default settings."""

import os

import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.fsspec import FsspecFileIO
from pyiceberg.io.pyarrow import PyArrowFileIO

from checks import MIB, ODD_NAMES, bucket, check, fill, raises, run_checks, same

STORE = {
    "s3.endpoint": os.environ["AWS_ENDPOINT_URL"],
    "s3.access-key-id": os.environ["AWS_ACCESS_KEY_ID"],
    "s3.secret-access-key": os.environ["AWS_SECRET_ACCESS_KEY"],
    "s3.region": os.environ["AWS_DEFAULT_REGION"],
}


def exercise(io, folder):
    for name, size in (("empty", 0), ("one", 1), ("4k", 4096), ("large", 17 * MIB), *((name, 9) for name in ODD_NAMES)):
        path = f"s3://{bucket}/{folder}/{name}"
        data = fill(size, name)
        same(io.new_input(path).exists(), False, f"{name} exists before")
        with io.new_output(path).create() as stream:
            stream.write(data)
        same((io.new_input(path).exists(), len(io.new_input(path))), (True, size), name)
        with io.new_input(path).open() as stream:
            same(stream.read() == data, True, f"{name}: the same bytes")
            stream.seek(size // 2)
            same(stream.read(100), data[size // 2 : size // 2 + 100], f"{name} from its middle")
        raises(FileExistsError, lambda: io.new_output(path).create(overwrite=False))
        with io.new_output(path).create(overwrite=True) as stream:
            stream.write(b"overwritten")
        with io.new_input(path).open() as stream:
            same(stream.read(), b"overwritten", name)
        io.delete(path)
        same(io.new_input(path).exists(), False, f"{name} exists after")
    raises(FileNotFoundError, lambda: io.new_input(f"s3://{bucket}/{folder}/never").open())


@check("pyiceberg PyArrowFileIO: created, read, overwritten, deleted, 0 bytes to 17 MiB, odd names: the same bytes")
def by_pyarrow():
    exercise(PyArrowFileIO(STORE), "pyarrow")


@check("pyiceberg FsspecFileIO: created, read, overwritten, deleted, 0 bytes to 17 MiB, odd names: the same bytes")
def by_fsspec():
    exercise(FsspecFileIO(STORE), "fsspec")


@check("pyiceberg table: created, appended to, rows deleted, an earlier snapshot: the same rows")
def table():
    catalogue = SqlCatalog("test", uri="sqlite:///:memory:", warehouse=f"s3://{bucket}/warehouse", **STORE)
    catalogue.create_namespace("room")
    noise = pa.array([fill(1000, n) for n in range(1000)], pa.binary())
    rows = pa.table({"n": pa.array(range(1000), pa.int64()), "noise": noise})
    things = catalogue.create_table("room.things", schema=rows.schema)
    things.append(rows.slice(0, 600))
    first = things.current_snapshot().snapshot_id
    things.append(rows.slice(600))
    same(things.scan().to_arrow().sort_by("n").to_pydict() == rows.to_pydict(), True, "the same rows")
    things.delete("n >= 10")
    again = catalogue.load_table("room.things")
    same(again.scan().to_arrow().sort_by("n").to_pydict(), rows.slice(0, 10).to_pydict())
    same(again.scan(snapshot_id=first).to_arrow().num_rows, 600)
    catalogue.purge_table("room.things")


run_checks()
