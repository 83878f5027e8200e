"""minio-py, as a program would use it, with its default settings."""

import hashlib
import io
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from datetime import timedelta

from minio import Minio
from minio.commonconfig import REPLACE, ComposeSource, CopySource, Tags
from minio.deleteobjects import DeleteObject
from minio.error import S3Error

from checks import MIB, ODD_NAMES, bucket, check, fill, raises, run_checks, same

client = Minio(
    urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc,
    access_key=os.environ["AWS_ACCESS_KEY_ID"],
    secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
    secure=False,
)


def put(key, data, **options):
    return client.put_object(bucket, key, io.BytesIO(data), len(data), **options)


def read(key, **options):
    answer = client.get_object(bucket, key, **options)
    try:
        return answer.read()
    finally:
        answer.release_conn()


def names(**options):
    return [one.object_name for one in client.list_objects(bucket, **options)]


@check("minio-py put_object, get_object, stat_object: 0 bytes to 5 MiB: the same bytes, MD5, type, metadata")
def round_trips():
    for size in (0, 1, 4096, 5 * MIB):
        data = fill(size, size)
        put(f"trip/{size}", data, content_type="text/x-trip", metadata={"shade": "blue"})
        same(read(f"trip/{size}"), data, f"{size} bytes")
        there = client.stat_object(bucket, f"trip/{size}")
        same((there.size, there.etag, there.content_type), (size, hashlib.md5(data).hexdigest(), "text/x-trip"))
        same(there.metadata["x-amz-meta-shade"], "blue")


@check("minio-py put_object of unknown length, fput_object, fget_object: 17 MiB in parts: the same bytes")
def multipart():
    data = fill(17 * MIB + 3, "multipart")
    client.put_object(bucket, "multi/stream", io.BytesIO(data), -1, part_size=5 * MIB)
    same(client.stat_object(bucket, "multi/stream").etag[-2:], "-4")
    same(read("multi/stream"), data)
    with tempfile.TemporaryDirectory() as directory:
        with open(f"{directory}/up", "wb") as file:
            file.write(data)
        client.fput_object(bucket, "multi/file", f"{directory}/up")
        client.fget_object(bucket, "multi/file", f"{directory}/down")
        with open(f"{directory}/down", "rb") as file:
            same(file.read(), data)


@check("minio-py get_object: a range: these bytes")
def ranges():
    data = fill(MIB, "range")
    put("range", data)
    same(read("range", offset=1000, length=70_000), data[1000:71_000])


@check("minio-py list_objects: odd names, flat, by folder, in both versions and after a key")
def listing():
    keys = sorted((f"odd/{name}" for name in ODD_NAMES), key=str.encode)
    for key in keys:
        put(key, key.encode())
    for key in keys:
        same(read(key), key.encode(), key)
    for options in ({}, {"use_api_v1": True}, {"use_url_encoding_type": False}):
        same(names(prefix="odd/", recursive=True, **options), keys, f"{options}")
    folded = sorted({f"odd/{name.split('/')[0]}{'/' if '/' in name else ''}" for name in ODD_NAMES}, key=str.encode)
    same(sorted(names(prefix="odd/"), key=str.encode), folded, "by folder")
    same(names(prefix="odd/", recursive=True, start_after=keys[2]), keys[3:], "after a key")


@check("minio-py presigned_put_object, presigned_get_object: without keys, by URL: the same bytes; changed: 403")
def presigned():
    key = f"presigned/{ODD_NAMES[0]}/{ODD_NAMES[1]}"
    data = fill(4096, "presigned")
    target = client.presigned_put_object(bucket, key, expires=timedelta(minutes=1))
    with urllib.request.urlopen(urllib.request.Request(target, data=data, method="PUT")) as answer:
        same(answer.status, 200)
    source = client.presigned_get_object(bucket, key, response_headers={"response-content-type": "text/x-override"})
    with urllib.request.urlopen(source) as answer:
        same((answer.read(), answer.headers["Content-Type"]), (data, "text/x-override"))
    changed = source.replace("/presigned/", "/secret/")
    same(raises(urllib.error.HTTPError, lambda: urllib.request.urlopen(changed)).code, 403)


@check("minio-py copy_object: the same bytes, metadata kept or replaced; compose_object: both in one")
def copies():
    first, second = fill(5 * MIB, "first"), fill(1000, "second")
    put("copy/a b+c", first, metadata={"shade": "blue"})
    put("copy/second", second)
    client.copy_object(bucket, "copy/kept", CopySource(bucket, "copy/a b+c"))
    same(client.stat_object(bucket, "copy/kept").metadata["x-amz-meta-shade"], "blue")
    replaced = {"metadata": {"shade": "red"}, "metadata_directive": REPLACE}
    client.copy_object(bucket, "copy/replaced", CopySource(bucket, "copy/a b+c"), **replaced)
    same(client.stat_object(bucket, "copy/replaced").metadata["x-amz-meta-shade"], "red")
    same(read("copy/replaced"), first)
    sources = [ComposeSource(bucket, "copy/a b+c"), ComposeSource(bucket, "copy/second", offset=10, length=500)]
    client.compose_object(bucket, "copy/both", sources)
    same(read("copy/both"), first + second[10:510])


@check("minio-py tags: with an object and by themselves, of objects and buckets: in any script, replaced, deleted")
def tags():
    first = Tags.new_object_tags()
    first["project"], first["größe +/=."] = "alpha", "日本 1"
    put("tagged", b"x", tags=first)
    same(client.get_object_tags(bucket, "tagged"), first)
    same(client.stat_object(bucket, "tagged").metadata["x-amz-tagging-count"], "2")
    second = Tags.new_object_tags()
    second["only"] = "one"
    client.set_object_tags(bucket, "tagged", second)
    same(client.get_object_tags(bucket, "tagged"), second)
    client.delete_object_tags(bucket, "tagged")
    same(client.get_object_tags(bucket, "tagged"), None)
    of_bucket = Tags.new_bucket_tags()
    of_bucket["room"] = "cellar"
    client.set_bucket_tags(bucket, of_bucket)
    same(client.get_bucket_tags(bucket), of_bucket)
    client.delete_bucket_tags(bucket)
    same(client.get_bucket_tags(bucket), None)


@check("minio-py remove_object, remove_objects: gone, also what was not there; odd names among them")
def removal():
    keys = [f"gone/{name}" for name in ODD_NAMES]
    for key in keys:
        put(key, b"x")
    client.remove_object(bucket, keys[0])
    client.remove_object(bucket, "gone/never")
    same(list(client.remove_objects(bucket, [DeleteObject(key) for key in [*keys, "gone/never"]])), [])
    same(names(prefix="gone/", recursive=True), [])


@check("minio-py make_bucket, bucket_exists, list_buckets, remove_bucket; the codes that programs catch")
def buckets():
    other = f"{bucket}-m"
    same(client.bucket_exists(other), False)
    client.make_bucket(other)
    same(client.bucket_exists(other), True)
    same(other in [one.name for one in client.list_buckets()], True)
    client.put_object(other, "k", io.BytesIO(b"x"), 1)
    same(raises(S3Error, lambda: client.remove_bucket(other)).code, "BucketNotEmpty")
    client.remove_object(other, "k")
    client.remove_bucket(other)
    same(client.bucket_exists(other), False)
    same(raises(S3Error, lambda: client.stat_object(bucket, "never")).code, "NoSuchKey")
    same(raises(S3Error, lambda: read("never")).code, "NoSuchKey")


run_checks()
