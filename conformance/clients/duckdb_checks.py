"""DuckDB with its httpfs extension: SQL over parquet files on the store."""

import os
import urllib.parse
from pathlib import Path

import duckdb
import duckdb_extension_httpfs

from checks import ODD_NAMES, bucket, check, run_checks, same

# Out of its package: DuckDB itself would fetch it from its own site. It loads only what DuckDB's makers have signed.
extension = next(Path(duckdb_extension_httpfs.__path__[0]).rglob("httpfs.duckdb_extension"))
endpoint = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
db = duckdb.connect()
db.execute(f"load '{extension}'")
db.execute(
    f"""create secret (type s3, endpoint '{endpoint.netloc}', use_ssl false, url_style 'path',
                       region '{os.environ["AWS_DEFAULT_REGION"]}', key_id '{os.environ["AWS_ACCESS_KEY_ID"]}',
                       secret '{os.environ["AWS_SECRET_ACCESS_KEY"]}')"""
)
# 20 MiB of parquet, so that it is written in parts: what does not repeat does not shrink.
db.execute("create table things as select n, n % 3 as kind, sha256(n::varchar) as noise from range(300000) r(n)")
SUMS = "select count(*), sum(n), count(distinct noise), min(noise), bit_xor(hash(n, kind, noise)) from "


def sums(source):
    return db.execute(SUMS + source).fetchone()


@check("duckdb copy to, read_parquet: 20 MiB: the same rows; a filter and a column: those alone")
def parquet():
    path = f"s3://{bucket}/things.parquet"
    db.execute(f"copy things to '{path}' (format parquet)")
    same(sums(f"'{path}'"), sums("things"))
    picked = "select noise from {} where n between 123456 and 123460 order by n"
    same(db.execute(picked.format(f"'{path}'")).fetchall(), db.execute(picked.format("things")).fetchall())


@check("duckdb copy to, read_parquet: partitioned, by a glob and by partition: the same rows")
def partitions():
    db.execute(f"copy things to 's3://{bucket}/set' (format parquet, partition_by (kind))")
    whole = f"read_parquet('s3://{bucket}/set/*/*.parquet', hive_partitioning = true)"
    same(sums(whole), sums("things"))
    same(sums(f"{whole} where kind = 1"), sums("things where kind = 1"))
    found = db.execute(f"select file from glob('s3://{bucket}/set/**')").fetchall()
    same({Path(path).parent.name for (path,) in found}, {"kind=0", "kind=1", "kind=2"})


@check("duckdb copy to, read_parquet: odd names: each its own content")
def names():
    for name in ODD_NAMES:
        # In DuckDB's paths these begin a pattern, or parameters of the request.
        if any(char in name for char in "*?["):
            continue
        quoted = name.replace("'", "''")
        db.execute(f"copy (select '{quoted}' as name) to 's3://{bucket}/odd/{quoted}' (format parquet)")
        same(db.execute(f"select name from read_parquet('s3://{bucket}/odd/{quoted}')").fetchall(), [(name,)])


run_checks()
