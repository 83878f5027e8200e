"""boto3: versions, object lock and encryption, as a program would use them."""

import os
from datetime import datetime, timedelta, timezone

import boto3
from botocore.exceptions import ClientError

from checks import MIB, bucket, check, fill, raises, run_checks, same

s3 = boto3.client("s3")
versioned, locked = f"{bucket}-v", f"{bucket}-l"
KEY = fill(32, "customer's key")


def refused(call):
    """The code that a program would look at, and the status."""
    answer = raises(ClientError, call).response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def put(name, key, data=b"x", **options):
    return s3.put_object(Bucket=name, Key=key, Body=data, **options)


def read(name, key, **options):
    return s3.get_object(Bucket=name, Key=key, **options)["Body"].read()


def remove(name, key, version, **options):
    return s3.delete_object(Bucket=name, Key=key, VersionId=version, **options)


@check("boto3 versions: each is read by its id, listed newest first; a delete hides them, deleting the marker does not")
def versions():
    s3.create_bucket(Bucket=versioned)
    same(s3.get_bucket_versioning(Bucket=versioned).get("Status"), None)
    put(versioned, "k", b"before")
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Enabled"})
    same(s3.get_bucket_versioning(Bucket=versioned)["Status"], "Enabled")
    data = {"null": b"before"}
    for n in range(3):
        body = fill(n * MIB, n)
        data[put(versioned, "k", body)["VersionId"]] = body
    newest_first = list(reversed(data))
    marker = s3.delete_object(Bucket=versioned, Key="k")
    same(marker["DeleteMarker"], True)
    same(refused(lambda: read(versioned, "k")), ("NoSuchKey", 404))
    hidden = raises(ClientError, lambda: s3.head_object(Bucket=versioned, Key="k")).response
    same(hidden["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"], "true")
    same(refused(lambda: read(versioned, "k", VersionId=marker["VersionId"])), ("MethodNotAllowed", 405))
    for version, body in data.items():
        same(read(versioned, "k", VersionId=version) == body, True, version)
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=versioned, PaginationConfig={"PageSize": 1})
    pages = list(pages)
    same([one["VersionId"] for page in pages for one in page.get("Versions", [])], newest_first)
    same([one["IsLatest"] for page in pages for one in page.get("DeleteMarkers", [])], [True])
    remove(versioned, "k", marker["VersionId"])
    same(read(versioned, "k") == data[newest_first[0]], True, "what the marker hid")


@check("boto3 versions: one of before is restored by a copy; a deleted one is gone for good, the others stay")
def restore():
    first = put(versioned, "restored", b"first", Metadata={"a": "b"})["VersionId"]
    second = put(versioned, "restored", b"second")["VersionId"]
    source = {"Bucket": versioned, "Key": "restored", "VersionId": first}
    copied = s3.copy_object(Bucket=versioned, Key="restored", CopySource=source)
    same(copied["CopySourceVersionId"], first)
    now = s3.get_object(Bucket=versioned, Key="restored")
    same((now["Body"].read(), now["VersionId"], now["Metadata"]), (b"first", copied["VersionId"], {"a": "b"}))
    same(remove(versioned, "restored", second)["VersionId"], second)
    same(refused(lambda: read(versioned, "restored", VersionId=second)), ("NoSuchVersion", 404))
    same(read(versioned, "restored", VersionId=first), b"first")
    s3.copy(source, versioned, "by transfer")
    same(read(versioned, "by transfer"), b"first")


@check("boto3 resource: bucket.object_versions: all are found, and deleted at once; then the bucket can go")
def everything():
    things = boto3.resource("s3").Bucket(versioned)
    one = things.Object("by resource")
    one.put(Body=b"1")
    one.put(Body=b"2")
    one.delete()
    found = list(things.object_versions.filter(Prefix="by resource"))
    same(len(found), 3)
    same(sorted(each.get()["Body"].read() for each in found if each.size is not None), [b"1", b"2"])
    same(refused(lambda: s3.delete_bucket(Bucket=versioned)), ("BucketNotEmpty", 409))
    things.object_versions.delete()
    same(list(things.object_versions.all()), [])
    things.delete()


@check("boto3 object lock: a default retention, one of its own, a legal hold: told, and no version can be deleted")
def lock():
    s3.create_bucket(Bucket=locked, ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket=locked, ObjectLockConfiguration=configuration)
    same(s3.get_object_lock_configuration(Bucket=locked)["ObjectLockConfiguration"], configuration)
    by_default = put(locked, "default")["VersionId"]
    kept = s3.get_object_retention(Bucket=locked, Key="default")["Retention"]
    days = (kept["RetainUntilDate"] - datetime.now(timezone.utc)) / timedelta(days=1)
    same((kept["Mode"], 1.9 < days <= 2.1), ("GOVERNANCE", True), f"{days} days")

    until = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=5)
    own = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until, "ObjectLockLegalHoldStatus": "ON"}
    held = put(locked, "own", **own)["VersionId"]
    told = s3.head_object(Bucket=locked, Key="own")
    same({name: told.get(name) for name in own}, own)
    same(s3.get_object_legal_hold(Bucket=locked, Key="own")["LegalHold"], {"Status": "ON"})
    for key, version in (("default", by_default), ("own", held)):
        same(refused(lambda: remove(locked, key, version)), ("AccessDenied", 403))
    # A hold is nothing that could be bypassed.
    same(refused(lambda: remove(locked, "own", held, BypassGovernanceRetention=True)), ("AccessDenied", 403))
    answer = s3.delete_objects(Bucket=locked, Delete={"Objects": [{"Key": "own", "VersionId": held}]})
    same([(one["Key"], one["Code"]) for one in answer["Errors"]], [("own", "AccessDenied")])
    for version in (held, by_default):
        key = "own" if version == held else "default"
        same(read(locked, key, VersionId=version), b"x")


@check("boto3 object lock: retention grows, and shrinks only by a bypass; hold off and bypass: the versions go")
def unlock():
    until = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=9)
    one = {"Bucket": locked, "Key": "own"}
    held = s3.head_object(**one)["VersionId"]
    s3.put_object_retention(**one, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": until})
    same(s3.get_object_retention(**one)["Retention"], {"Mode": "GOVERNANCE", "RetainUntilDate": until})
    sooner = {"Mode": "GOVERNANCE", "RetainUntilDate": until - timedelta(days=8)}
    same(refused(lambda: s3.put_object_retention(**one, Retention=sooner)), ("AccessDenied", 403))
    s3.put_object_retention(**one, Retention=sooner, BypassGovernanceRetention=True)
    same(s3.get_object_retention(**one)["Retention"], sooner)
    s3.put_object_legal_hold(**one, LegalHold={"Status": "OFF"})
    same(refused(lambda: remove(locked, "own", held)), ("AccessDenied", 403))
    remove(locked, "own", held, BypassGovernanceRetention=True)
    versions = s3.list_object_versions(Bucket=locked)["Versions"]
    objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
    answer = s3.delete_objects(Bucket=locked, Delete={"Objects": objects}, BypassGovernanceRetention=True)
    same(answer.get("Errors"), None)
    s3.delete_bucket(Bucket=locked)


@check("boto3 SSE-C: put, in parts, read by range, copied to another key; without the key, or with another: refused")
def customer_key():
    mine, other = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": KEY}, fill(32, "another")
    data = fill(11 * MIB, "secret")
    answer = put(bucket, "secret", data, **mine)
    same(answer["SSECustomerAlgorithm"], "AES256")
    same(read(bucket, "secret", **mine) == data, True, "the same bytes")
    same(read(bucket, "secret", **mine, Range="bytes=5000000-5000099"), data[5000000:5000100])
    same(refused(lambda: read(bucket, "secret")), ("InvalidRequest", 400))
    wrong = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": other}
    same(refused(lambda: read(bucket, "secret", **wrong)), ("AccessDenied", 403))
    same(refused(lambda: s3.head_object(Bucket=bucket, Key="secret", **wrong)), ("403", 403))

    one = {"Bucket": bucket, "Key": "secret-parts"}
    upload = s3.create_multipart_upload(**one, **mine)["UploadId"]
    parts = []
    for n, piece in ((1, data[: 5 * MIB]), (2, data[5 * MIB :])):
        answer = s3.upload_part(**one, UploadId=upload, PartNumber=n, Body=piece, **mine)
        parts.append({"ETag": answer["ETag"], "PartNumber": n})
    s3.complete_multipart_upload(**one, UploadId=upload, MultipartUpload={"Parts": parts}, **mine)
    same(read(**{"name": bucket, "key": "secret-parts"}, **mine) == data, True, "the same bytes of parts")

    from_mine = {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": KEY}
    source = {"Bucket": bucket, "Key": "secret"}
    s3.copy_object(Bucket=bucket, Key="secret-copy", CopySource=source, **from_mine, **wrong)
    same(read(bucket, "secret-copy", **wrong) == data, True, "the same bytes of the copy")
    same(refused(lambda: read(bucket, "secret-copy", **mine)), ("AccessDenied", 403))


@check("boto3 SSE-S3, SSE-KMS: asked for with an object, and by the bucket's default: told by HEAD, read as it was")
def encryption():
    kms_key = os.environ["CONFORMANCE_KMS_KEY"]
    data = fill(MIB + 7, "encrypted")
    same(put(bucket, "sse-s3", data, ServerSideEncryption="AES256")["ServerSideEncryption"], "AES256")
    asked = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}
    put(bucket, "sse-kms", data, **asked)
    told = s3.head_object(Bucket=bucket, Key="sse-kms")
    same({name: told.get(name) for name in asked}, asked)
    unknown = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "never"}
    same(refused(lambda: put(bucket, "never", **unknown)), ("KMS.NotFoundException", 400))

    same(refused(lambda: s3.get_bucket_encryption(Bucket=bucket))[0], "ServerSideEncryptionConfigurationNotFoundError")
    for algorithm, more in (("AES256", {}), ("aws:kms", {"KMSMasterKeyID": kms_key})):
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm, **more}, "BucketKeyEnabled": False}
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
        got = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"][0]
        same(got["ApplyServerSideEncryptionByDefault"], rule["ApplyServerSideEncryptionByDefault"])
        put(bucket, f"default {algorithm}", data)
        same(s3.head_object(Bucket=bucket, Key=f"default {algorithm}")["ServerSideEncryption"], algorithm)
    s3.delete_bucket_encryption(Bucket=bucket)
    for key in ("sse-s3", "sse-kms", "default AES256", "default aws:kms"):
        same(read(bucket, key) == data, True, key)


run_checks()
