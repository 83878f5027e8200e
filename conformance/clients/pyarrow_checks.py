"""pyarrow's own S3 file system, as datasets and parquet files use it, with its default settings."""

import os
import urllib.parse

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from checks import MIB, ODD_NAMES, bucket, check, fill, raises, run_checks, same

endpoint = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
s3 = fs.S3FileSystem(scheme=endpoint.scheme, endpoint_override=endpoint.netloc)
ROWS = 200_000
table = pa.table(
    {
        "n": pa.array(range(ROWS), pa.int64()),
        "kind": [f"kind {n % 3}" for n in range(ROWS)],
        "noise": pa.array([fill(40, n) for n in range(ROWS)], pa.binary()),
    }
)


def write(path, data, step=MIB):
    with s3.open_output_stream(f"{bucket}/{path}") as stream:
        for start in range(0, len(data), step):
            stream.write(data[start : start + step])


def read(path):
    with s3.open_input_stream(f"{bucket}/{path}") as stream:
        return stream.read()


@check("pyarrow open_output_stream, open_input_stream, open_input_file: 0 bytes to 25 MiB: the same bytes")
def round_trips():
    # Streams are written as multipart uploads, in parts of 10 MiB.
    for size in (0, 1, 4096, 8 * MIB, 25 * MIB + 1):
        data = fill(size, size)
        write(f"trip/{size}", data)
        same(read(f"trip/{size}") == data, True, f"{size} bytes: the same")
        same(s3.get_file_info(f"{bucket}/trip/{size}").size, size)
    with s3.open_input_file(f"{bucket}/trip/{25 * MIB + 1}") as file:
        same(file.read_at(70_000, 20 * MIB), data[20 * MIB : 20 * MIB + 70_000])


@check("pyarrow get_file_info: odd names: all, and no others")
def listing():
    paths = sorted((f"odd/{name}" for name in ODD_NAMES), key=str.encode)
    for path in paths:
        write(path, path.encode())
        same(read(path), path.encode(), path)
    found = s3.get_file_info(fs.FileSelector(f"{bucket}/odd", recursive=True))
    files = [one.path.removeprefix(f"{bucket}/") for one in found if one.type == fs.FileType.File]
    same(sorted(files, key=str.encode), paths)


@check("pyarrow write_table, read_table: a parquet file of 10 MiB, whole, two columns, filtered: the same rows")
def parquet():
    pq.write_table(table, f"{bucket}/table.parquet", filesystem=s3, row_group_size=20_000)
    same(s3.get_file_info(f"{bucket}/table.parquet").size > 8 * MIB, True, "large enough for parts")
    same(pq.read_table(f"{bucket}/table.parquet", filesystem=s3).equals(table), True, "the same rows")
    two = pq.read_table(f"{bucket}/table.parquet", filesystem=s3, columns=["n", "kind"], filters=[("n", ">=", 199_990)])
    same(two.to_pydict(), table.select(["n", "kind"]).slice(199_990).to_pydict())


@check("pyarrow write_dataset, dataset: partitioned by a column, read back by partition; written again: replaced")
def datasets():
    shape = {"format": "parquet", "partitioning": ["kind"], "partitioning_flavor": "hive", "filesystem": s3}
    for behaviour in ("error", "delete_matching"):
        ds.write_dataset(table, f"{bucket}/set", existing_data_behavior=behaviour, **shape)
        whole = ds.dataset(f"{bucket}/set", filesystem=s3, partitioning="hive")
        same(whole.count_rows(), ROWS, behaviour)
        same(len(whole.files), 3, behaviour)
    part = whole.to_table(filter=ds.field("kind") == "kind 1", columns=["n", "noise"]).sort_by("n")
    same(part.equals(table.filter(pc.equal(table["kind"], "kind 1")).select(["n", "noise"])), True, "the same rows")


@check("pyarrow copy_file, move, delete_file, delete_dir: as on a disk")
def moves():
    write("moves/a b", b"moved")
    s3.copy_file(f"{bucket}/moves/a b", f"{bucket}/moves/c+d")
    s3.move(f"{bucket}/moves/c+d", f"{bucket}/moves/e")
    same(read("moves/e"), b"moved")
    raises(FileNotFoundError, lambda: read("moves/c+d"))
    s3.delete_file(f"{bucket}/moves/e")
    s3.create_dir(f"{bucket}/moves/deep/er", recursive=True)
    s3.delete_dir(f"{bucket}/moves")
    same(s3.get_file_info(fs.FileSelector(f"{bucket}/moves", allow_not_found=True, recursive=True)), [])


run_checks()
