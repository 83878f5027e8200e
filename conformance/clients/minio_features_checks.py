"""minio-py: versions, object lock, encryption, forms, and what is set for a bucket; by https, as it wants to be used."""

import io
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone

from minio import Minio
from minio.commonconfig import DISABLED, ENABLED, GOVERNANCE, AndOperator, CopySource, Filter, Tags
from minio.datatypes import PostPolicy
from minio.deleteobjects import DeleteObject
from minio.error import S3Error
from minio.lifecycleconfig import (
    AbortIncompleteMultipartUpload,
    Expiration,
    LifecycleConfig,
    NoncurrentVersionExpiration,
    Rule,
)
from minio.notificationconfig import NotificationConfig, QueueConfig, SuffixFilterRule
from minio.objectlockconfig import DAYS, ObjectLockConfig
from minio.retention import Retention
from minio.sse import SseCustomerKey, SseKMS, SseS3
from minio.sseconfig import Rule as EncryptionRule
from minio.sseconfig import SSEConfig
from minio.versioningconfig import SUSPENDED, VersioningConfig

from checks import MIB, bucket, check, fill, post_form, raises, run_checks, same

endpoint = os.environ["AWS_ENDPOINT_URL"]
client = Minio(
    urllib.parse.urlsplit(endpoint).netloc,
    access_key=os.environ["AWS_ACCESS_KEY_ID"],
    secret_key=os.environ["AWS_SECRET_ACCESS_KEY"],
)
versioned, locked = f"{bucket}-v", f"{bucket}-l"


def put(key, data, name=bucket, **options):
    return client.put_object(name, key, io.BytesIO(data), len(data), **options)


def read(key, name=bucket, **options):
    answer = client.get_object(name, key, **options)
    try:
        return answer.read()
    finally:
        answer.release_conn()


def code_of(call):
    return raises(S3Error, call).code


def all_of(name):
    return [
        (one.object_name, one.version_id, one.is_delete_marker, one.is_latest)
        for one in client.list_objects(name, recursive=True, include_version=True)
    ]


def in_days(days):
    return datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=days)


@check("minio-py versions: listed with markers, read by id, restored by a copy, deleted by id, suspended")
def versions():
    client.make_bucket(versioned)
    same(client.get_bucket_versioning(versioned).status_string, "Off")
    client.set_bucket_versioning(versioned, VersioningConfig(ENABLED))
    same(client.get_bucket_versioning(versioned).status, ENABLED)
    first, second = (put("a b+ü", data, versioned).version_id for data in (b"first", b"second"))
    client.remove_object(versioned, "a b+ü")
    # The client puts markers last.
    *before, (_, marker, *_) = listed = all_of(versioned)
    same(before, [("a b+ü", second, False, "false"), ("a b+ü", first, False, "false")])
    same(listed[2], ("a b+ü", marker, True, "true"))
    same(code_of(lambda: read("a b+ü", versioned)), "NoSuchKey")
    same(read("a b+ü", versioned, version_id=first), b"first")
    same(client.stat_object(versioned, "a b+ü", version_id=second).size, 6)
    copied = client.copy_object(versioned, "a b+ü", CopySource(versioned, "a b+ü", version_id=first))
    same(read("a b+ü", versioned, version_id=copied.version_id), b"first")
    client.remove_object(versioned, "a b+ü", version_id=copied.version_id)
    client.remove_object(versioned, "a b+ü", version_id=marker)
    same(read("a b+ü", versioned), b"second")
    same(code_of(lambda: read("a b+ü", versioned, version_id=copied.version_id)), "NoSuchVersion")

    client.set_bucket_versioning(versioned, VersioningConfig(SUSPENDED))
    put("a b+ü", b"null", versioned)
    same([version for _, version, *_ in all_of(versioned)], ["null", second, first])
    same(list(client.remove_objects(versioned, [DeleteObject(key, id) for key, id, *_ in all_of(versioned)])), [])
    client.remove_bucket(versioned)


@check("minio-py object lock: default and own retention, legal hold: told; no way to delete but hold off and a bypass")
def lock():
    client.make_bucket(locked, object_lock=True)
    same(client.get_object_lock_config(locked), ObjectLockConfig(None, None, None))
    client.set_object_lock_config(locked, ObjectLockConfig(GOVERNANCE, 3, DAYS))
    same(client.get_object_lock_config(locked), ObjectLockConfig(GOVERNANCE, 3, DAYS))
    by_default = put("default", b"x", locked).version_id
    same(client.get_object_retention(locked, "default").mode, GOVERNANCE)
    until = in_days(5)
    own = put("own", b"x", locked, retention=Retention(GOVERNANCE, until), legal_hold=True).version_id
    kept = client.get_object_retention(locked, "own", version_id=own)
    same((kept.mode, kept.retain_until_date), (GOVERNANCE, until))
    same(client.is_object_legal_hold_enabled(locked, "own"), True)
    same(client.is_object_legal_hold_enabled(locked, "default"), False)
    for key, version in (("default", by_default), ("own", own)):
        same(code_of(lambda: client.remove_object(locked, key, version_id=version)), "AccessDenied")
    longer = Retention(GOVERNANCE, until + timedelta(days=1))
    client.set_object_retention(locked, "own", longer)
    same(code_of(lambda: client.set_object_retention(locked, "own", Retention(GOVERNANCE, until))), "AccessDenied")

    both = [DeleteObject("default", by_default), DeleteObject("own", own)]
    errors = client.remove_objects(locked, both, bypass_governance_mode=True)
    same([(one.name, one.code) for one in errors], [("own", "AccessDenied")], "a hold is not bypassed")
    client.disable_object_legal_hold(locked, "own")
    same(client.is_object_legal_hold_enabled(locked, "own"), False)
    client.enable_object_legal_hold(locked, "own")
    same(client.is_object_legal_hold_enabled(locked, "own"), True)
    client.disable_object_legal_hold(locked, "own")
    same([one.code for one in client.remove_objects(locked, both[1:])], ["AccessDenied"])
    same(list(client.remove_objects(locked, both[1:], bypass_governance_mode=True)), [])
    client.delete_object_lock_config(locked)
    same(client.get_object_lock_config(locked), ObjectLockConfig(None, None, None))
    free = put("free", b"x", locked).version_id
    same(client.get_object_retention(locked, "free"), None)
    client.remove_object(locked, "free", version_id=free)
    client.remove_bucket(locked)


@check("minio-py SSE-C, SSE-S3, SSE-KMS: put whole and in parts, copied from key to key; another key: refused")
def encryption():
    data = fill(11 * MIB, "encrypted")
    mine, other = SseCustomerKey(fill(32, "mine")), SseCustomerKey(fill(32, "other"))
    put("secret", data, sse=mine, part_size=5 * MIB)
    same(read("secret", ssec=mine), data)
    same(read("secret", ssec=mine, offset=7 * MIB - 1, length=2), data[7 * MIB - 1 : 7 * MIB + 1])
    same(code_of(lambda: read("secret")), "InvalidRequest")
    same(code_of(lambda: read("secret", ssec=other)), "AccessDenied")
    client.copy_object(bucket, "secret copy", CopySource(bucket, "secret", ssec=mine), sse=other)
    same(read("secret copy", ssec=other), data)
    client.copy_object(bucket, "opened", CopySource(bucket, "secret", ssec=mine))
    same(read("opened"), data)

    for sse, told in ((SseS3(), "AES256"), (SseKMS(os.environ["CONFORMANCE_KMS_KEY"], {"a": "b"}), "aws:kms")):
        put(told, data[: MIB + 1], sse=sse)
        same(client.stat_object(bucket, told).metadata["x-amz-server-side-encryption"], told)
        same(read(told), data[: MIB + 1])
    same(client.get_bucket_encryption(bucket), None)
    configuration = SSEConfig(EncryptionRule.new_sse_s3_rule())
    client.set_bucket_encryption(bucket, configuration)
    same(client.get_bucket_encryption(bucket), configuration)
    put("by default", data)
    same(client.stat_object(bucket, "by default").metadata["x-amz-server-side-encryption"], "AES256")
    same(read("by default"), data)
    client.delete_bucket_encryption(bucket)
    same(client.get_bucket_encryption(bucket), None)


@check("minio-py presigned_post_policy: a form stores the file; too large, or not by the policy: refused")
def forms():
    policy = PostPolicy(bucket, in_days(1))
    policy.add_starts_with_condition("key", "form/")
    policy.add_equals_condition("Content-Type", "text/x-form")
    policy.add_starts_with_condition("x-amz-meta-shade", "bl")
    policy.add_content_length_range_condition(1, 70_000)
    chosen = {"key": "form/ü a+b", "Content-Type": "text/x-form", "x-amz-meta-shade": "blue"}
    fields = {**client.presigned_post_policy(policy), **chosen}
    data = fill(70_000, "form")
    url = f"{endpoint}/{bucket}"
    status, headers, _ = post_form(url, fields, data)
    same(status, 204)
    same(read("form/ü a+b"), data)
    there = client.stat_object(bucket, "form/ü a+b")
    same((there.content_type, there.metadata["x-amz-meta-shade"]), ("text/x-form", "blue"))
    same(f'"{there.etag}"', headers["ETag"])
    same(post_form(url, fields, data + b"x")[0], 400)
    for name, value in (("key", "elsewhere"), ("Content-Type", "text/html"), ("x-amz-meta-shade", "red")):
        same(post_form(url, {**fields, name: value}, data)[0], 403, name)
    same([one.object_name for one in client.list_objects(bucket, prefix="elsewhere")], [])


@check("minio-py get_presigned_url, presigned_get_object of a version; set_bucket_policy: by anybody what it names")
def access():
    put("open/a b", b"x")
    put("closed", b"x")
    with urllib.request.urlopen(client.presigned_get_object(bucket, "open/a b", version_id="null")) as answer:
        same(answer.read(), b"x")
    head = client.get_presigned_url("HEAD", bucket, "open/a b", expires=timedelta(minutes=1))
    with urllib.request.urlopen(urllib.request.Request(head, method="HEAD")) as answer:
        same(answer.headers["Content-Length"], "1")
    same(code_of(lambda: client.get_bucket_policy(bucket)), "NoSuchBucketPolicy")
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ["*"]},
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/open/*"],
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    same(code_of(lambda: client.set_bucket_policy(bucket, json.dumps(document))), "AccessDenied")
    anybody = Minio(urllib.parse.urlsplit(endpoint).netloc)
    same(code_of(lambda: anybody.get_object(bucket, "open/a b")), "AccessDenied")
    statement["Condition"] = {"IpAddress": {"aws:SourceIp": ["127.0.0.1/32", "::1/128"]}}
    client.set_bucket_policy(bucket, json.dumps(document))
    same(json.loads(client.get_bucket_policy(bucket)), document)
    same(anybody.get_object(bucket, "open/a b").read(), b"x")
    same(code_of(lambda: anybody.get_object(bucket, "closed")), "AccessDenied")
    client.delete_bucket_policy(bucket)
    same(code_of(lambda: anybody.get_object(bucket, "open/a b")), "AccessDenied")


@check("minio-py lifecycle, notification: set, given back as they were, deleted")
def settings():
    tags = Tags.new_object_tags()
    tags["größe"] = "1"
    rules = [
        Rule(ENABLED, rule_filter=Filter(prefix="log/"), rule_id="logs & more", expiration=Expiration(days=3)),
        Rule(
            DISABLED,
            rule_filter=Filter(AndOperator(prefix="a/", tags=tags)),
            rule_id="former",
            noncurrent_version_expiration=NoncurrentVersionExpiration(noncurrent_days=30),
        ),
        Rule(
            ENABLED,
            rule_filter=Filter(prefix=""),
            rule_id="uploads",
            abort_incomplete_multipart_upload=AbortIncompleteMultipartUpload(days_after_initiation=7),
        ),
        Rule(
            ENABLED,
            rule_filter=Filter(prefix="day/"),
            rule_id="date",
            expiration=Expiration(date=datetime(2040, 1, 1, tzinfo=timezone.utc)),
        ),
    ]
    same(client.get_bucket_lifecycle(bucket), None)
    client.set_bucket_lifecycle(bucket, LifecycleConfig(rules))
    same(client.get_bucket_lifecycle(bucket), LifecycleConfig(rules))
    client.delete_bucket_lifecycle(bucket)
    same(client.get_bucket_lifecycle(bucket), None)

    # S3 answers with `Prefix`, which the client takes for a suffix.
    suffix = SuffixFilterRule(".jpg")
    queue = QueueConfig(["s3:ObjectCreated:*"], "images", None, suffix, "arn:sextant:sqs::somewhere:webhook")
    same(client.get_bucket_notification(bucket), NotificationConfig())
    client.set_bucket_notification(bucket, NotificationConfig(queue_config_list=[queue]))
    same(client.get_bucket_notification(bucket), NotificationConfig(queue_config_list=[queue]))
    client.delete_bucket_notification(bucket)
    same(client.get_bucket_notification(bucket), NotificationConfig())


run_checks()
