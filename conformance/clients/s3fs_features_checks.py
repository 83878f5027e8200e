"""s3fs: versions, tags, metadata, encryption and links."""

import os
import urllib.request

import s3fs

from checks import MIB, bucket, check, fill, raises, run_checks, same

fs = s3fs.S3FileSystem()
versioned = f"{bucket}-v"


def version_of(path, body, files):
    files.pipe(path, body)
    return files.info(path, refresh=True)["VersionId"]


@check("s3fs version_aware: each version is read by its id, an open file stays what it was; the bucket goes with all")
def versions():
    files = s3fs.S3FileSystem(version_aware=True)
    files.mkdir(versioned)
    same(files.is_bucket_versioned(versioned), False)
    files.make_bucket_versioned(versioned)
    same(files.is_bucket_versioned(versioned), True)
    path = f"{versioned}/dir/a b+ü"
    bodies = [fill(100_000 + n, n) for n in range(3)]
    first, second, third = (version_of(path, body, files) for body in bodies)
    same([one["VersionId"] for one in files.object_version_info(path)], [third, second, first])
    # By `cat_file`: `cat` would take the question mark for any letter.
    for version, body in zip((first, second, third), bodies):
        same(files.cat_file(f"{path}?versionId={version}"), body, version)
        same(files.info(f"{path}?versionId={version}")["size"], len(body))
    listed = files.ls(f"{versioned}/dir", versions=True)
    same(sorted(listed), sorted(f"{path}?versionId={one}" for one in (first, second, third)))
    with files.open(path) as file:
        start = file.read(10)
        fs.pipe(path, b"another meanwhile")
        same(start + file.read() == bodies[2], True, "of one version")
    files.rm(path)
    files.invalidate_cache()
    same(files.exists(path), False)
    same(files.cat_file(f"{path}?versionId={first}"), bodies[0])
    files.cp_file(f"{path}?versionId={first}", path)
    files.invalidate_cache()
    same(files.cat(path), bodies[0], "restored")
    files.rm(versioned, recursive=True)
    files.invalidate_cache()
    same(files.exists(versioned), False)


@check("s3fs put_tags, get_tags, setxattr, getxattr, metadata: kept with the file, in any script")
def attributes():
    path = f"{bucket}/attributes"
    fs.pipe(path, b"x")
    fs.put_tags(path, {"größe": "日本 1", "a": "b"})
    fs.put_tags(path, {"c": ""}, mode="m")
    same(fs.get_tags(path), {"größe": "日本 1", "a": "b", "c": ""})
    fs.setxattr(path, shade="blue", deep="yes")
    same((fs.getxattr(path, "shade"), fs.metadata(path, refresh=True)), ("blue", {"shade": "blue", "deep": "yes"}))
    fs.setxattr(path, deep=None)
    same(fs.metadata(path, refresh=True), {"shade": "blue"})
    same(fs.get_tags(path), {"größe": "日本 1", "a": "b", "c": ""}, "still")


@check("s3fs s3_additional_kwargs: SSE-S3, SSE-KMS, whole and in parts: told, read as it was; unencrypted without")
def encryption():
    data = fill(60 * MIB + 1, "encrypted")
    kms = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": os.environ["CONFORMANCE_KMS_KEY"]}
    for options in ({"ServerSideEncryption": "AES256"}, kms):
        kind = options["ServerSideEncryption"]
        files = s3fs.S3FileSystem(s3_additional_kwargs=options)
        for size in (1000, len(data)) if kind == "AES256" else (1000,):
            files.pipe(f"{bucket}/encrypted", data[:size])
            told = files.call_s3("head_object", Bucket=bucket, Key="encrypted")
            same(told["ServerSideEncryption"], kind)
            same(files.cat(f"{bucket}/encrypted") == data[:size], True, f"{kind}, {size} bytes")
    fs.pipe(f"{bucket}/plain", b"x")
    same(fs.call_s3("head_object", Bucket=bucket, Key="plain").get("ServerSideEncryption"), None)


@check("s3fs sign, url, anon: the URL gives the file to who has no key; without it: refused")
def links():
    fs.pipe(f"{bucket}/a b+ü", b"by url")
    with urllib.request.urlopen(fs.sign(f"{bucket}/a b+ü", expiration=60)) as answer:
        same(answer.read(), b"by url")
    raises(PermissionError, lambda: s3fs.S3FileSystem(anon=True).cat(f"{bucket}/a b+ü"))


run_checks()
