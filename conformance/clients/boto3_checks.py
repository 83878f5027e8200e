"""boto3, as a program would use it, with its default settings."""

import base64
import hashlib
import io
import urllib.request
import zlib

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from checks import MIB, bucket, check, fill, run_checks, same

s3 = boto3.client("s3")


def code_of(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


@check("boto3 upload_fileobj, download_fileobj: 0 bytes to 20 MiB + 1: the same bytes")
def transfers():
    for size in (0, 1, 5, 5 * MIB, 8 * MIB, 8 * MIB + 1, 20 * MIB + 1):
        data = fill(size, size)
        s3.upload_fileobj(io.BytesIO(data), bucket, f"transfer-{size}", ExtraArgs={"Metadata": {"size": str(size)}})
        back = io.BytesIO()
        s3.download_fileobj(bucket, f"transfer-{size}", back)
        same(hashlib.sha256(back.getvalue()).hexdigest(), hashlib.sha256(data).hexdigest(), f"{size} bytes")
        same(s3.head_object(Bucket=bucket, Key=f"transfer-{size}")["Metadata"], {"size": str(size)})


@check("boto3 upload_fileobj: ten threads, parts of 5 MiB: the same bytes")
def threads():
    data = fill(52 * MIB + 7, "threads")
    config = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, max_concurrency=10)
    s3.upload_fileobj(io.BytesIO(data), bucket, "threads", Config=config)
    back = io.BytesIO()
    s3.download_fileobj(bucket, "threads", back, Config=config)
    same(hashlib.sha256(back.getvalue()).hexdigest(), hashlib.sha256(data).hexdigest())


@check("boto3 put_object: what the client adds by itself: a CRC32 that HEAD shows")
def default_checksum():
    data = b"checksummed by default"
    put = s3.put_object(Bucket=bucket, Key="default", Body=data)
    crc = base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    same(put.get("ChecksumCRC32"), crc)
    head = s3.head_object(Bucket=bucket, Key="default", ChecksumMode="ENABLED")
    same((head.get("ChecksumCRC32"), head.get("ChecksumType")), (crc, "FULL_OBJECT"))


@check("boto3 put_object: checksum calculation when_required, and each algorithm: stored and read back")
def checksum_modes():
    quiet = Config(request_checksum_calculation="when_required", response_checksum_validation="when_required")
    boto3.client("s3", config=quiet).put_object(Bucket=bucket, Key="quiet", Body=b"quiet")
    same(s3.get_object(Bucket=bucket, Key="quiet")["Body"].read(), b"quiet")
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        s3.put_object(Bucket=bucket, Key=algorithm, Body=b"sum", ChecksumAlgorithm=algorithm)
        got = s3.get_object(Bucket=bucket, Key=algorithm, ChecksumMode="ENABLED")
        same(got["Body"].read(), b"sum")
        same(f"Checksum{algorithm}" in got, True, algorithm)


@check("boto3 put_object: a wrong checksum, a wrong MD5: BadDigest")
def wrong_checksum():
    same(code_of(lambda: s3.put_object(Bucket=bucket, Key="wrong", Body=b"x", ChecksumCRC32="AAAAAA==")), "BadDigest")
    md5 = base64.b64encode(hashlib.md5(b"y").digest()).decode()
    same(code_of(lambda: s3.put_object(Bucket=bucket, Key="wrong", Body=b"x", ContentMD5=md5)), "BadDigest")
    same(code_of(lambda: s3.head_object(Bucket=bucket, Key="wrong")), "404")


@check("boto3 generate_presigned_url: by its default signature and by s3v4: GET and PUT, with overrides")
def presigned():
    for version in (None, "s3v4", "s3"):
        client = boto3.client("s3", config=Config(signature_version=version) if version else None)
        key = f"presigned-{version}"
        put = client.generate_presigned_url("put_object", {"Bucket": bucket, "Key": key}, ExpiresIn=60)
        request = urllib.request.Request(put, data=b"by url", method="PUT", headers={"Content-Type": ""})
        same(urllib.request.urlopen(request).status, 200, f"PUT {version}")
        wanted = {"Bucket": bucket, "Key": key, "ResponseContentType": "text/x-override"}
        with urllib.request.urlopen(client.generate_presigned_url("get_object", wanted, ExpiresIn=60)) as answer:
            same((answer.read(), answer.headers["Content-Type"]), (b"by url", "text/x-override"), f"GET {version}")


@check("boto3 resource: bucket.objects: filter, limit, delete in batches")
def resource():
    things = boto3.resource("s3").Bucket(bucket)
    names = [f"many/{n:04}" for n in range(30)]
    for name in names:
        things.put_object(Key=name, Body=b"")
    same([one.key for one in things.objects.filter(Prefix="many/").page_size(7)], names)
    things.objects.filter(Prefix="many/").delete()
    same(list(things.objects.filter(Prefix="many/")), [])


@check("boto3 paginators: list_objects_v2 with a delimiter, list_multipart_uploads, list_parts")
def paginators():
    for name in ("p/a", "p/b/c", "p/b/d", "p/e"):
        s3.put_object(Bucket=bucket, Key=name)
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix="p/", Delimiter="/", PaginationConfig={"PageSize": 1}
    )
    same(list(pages.search("Contents[].Key || CommonPrefixes[].Prefix")), ["p/a", "p/b/", "p/e"])
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    for n in (1, 2, 3):
        s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=n, Body=b"x")
    parts = s3.get_paginator("list_parts").paginate(
        Bucket=bucket, Key="parts", UploadId=upload, PaginationConfig={"PageSize": 1}
    )
    same(list(parts.search("Parts[].PartNumber")), [1, 2, 3])
    s3.abort_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload)
    same(list(s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket).search("Uploads[]")), [None])


@check("boto3 errors: the names that programs catch")
def errors():
    same(code_of(lambda: s3.get_object(Bucket=bucket, Key="never")), "NoSuchKey")
    same(code_of(lambda: s3.head_object(Bucket=bucket, Key="never")), "404")
    same(code_of(lambda: s3.list_objects_v2(Bucket="never-" + bucket)), "NoSuchBucket")
    same(code_of(lambda: s3.put_object(Bucket=bucket, Key="default", Body=b"", IfNoneMatch="*")), "PreconditionFailed")


@check("boto3 copy: managed copy of 20 MiB in parts: the same bytes and metadata")
def copies():
    data = fill(20 * MIB, "copy")
    s3.put_object(Bucket=bucket, Key="copy-from", Body=data, Metadata={"a": "b"})
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB)
    s3.copy({"Bucket": bucket, "Key": "copy-from"}, bucket, "copy-to", Config=config)
    got = s3.get_object(Bucket=bucket, Key="copy-to")
    same(hashlib.sha256(got["Body"].read()).hexdigest(), hashlib.sha256(data).hexdigest())


run_checks()
