"""boto3: what is set for a bucket, as its owner would set it, and forms."""

import json
import urllib.request

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from checks import bucket, check, fill, post_form, raises, run_checks, same

s3 = boto3.client("s3")
nobody = boto3.client("s3", config=Config(signature_version=UNSIGNED))


def refused(call):
    """The code that a program would look at, and the status."""
    answer = raises(ClientError, call).response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def read(key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


@check("boto3 generate_presigned_post: by its default signature and by s3v4: a form stores the file; others are refused")
def forms():
    for version in (None, "s3v4", "s3"):
        client = boto3.client("s3", config=Config(signature_version=version) if version else None)
        data = fill(70_000, version)
        fields = {"acl": "private", "Content-Type": "text/x-form", "x-amz-meta-shade": "blue"}
        conditions = [
            {"acl": "private"},
            ["starts-with", "$Content-Type", "text/"],
            {"x-amz-meta-shade": "blue"},
            ["content-length-range", 1, 70_000],
        ]
        key = f"form {version}/${{filename}}"
        form = client.generate_presigned_post(bucket, key, fields, conditions, ExpiresIn=60)
        status, headers, _ = post_form(form["url"], form["fields"], data, "ü a+b.txt")
        same(status, 204, f"{version}")
        stored = s3.get_object(Bucket=bucket, Key=f"form {version}/ü a+b.txt")
        same(stored["Body"].read(), data)
        same((stored["ETag"], stored["ContentType"]), (headers["ETag"], "text/x-form"))
        same(stored["Metadata"], {"shade": "blue"})
        status, _, body = post_form(form["url"], form["fields"], data + b"x")
        same((status, b"EntityTooLarge" in body), (400, True))
        changed = {**form["fields"], "x-amz-meta-shade": "red"}
        same(post_form(form["url"], changed, data, "red")[0], 403)
        same(post_form(form["url"], {**form["fields"], "key": "elsewhere"}, data)[0], 403)
    same(s3.list_objects_v2(Bucket=bucket, Prefix="elsewhere").get("KeyCount"), 0)


@check("boto3 generate_presigned_url: of a version, with metadata to be sent along, to delete; tampered with: 403")
def presigned():
    client = boto3.client("s3", config=Config(signature_version="s3v4"))

    def url(operation, ExpiresIn=60, **more):
        return client.generate_presigned_url(operation, {"Bucket": bucket, "Key": "by url", **more}, ExpiresIn)

    def send(method, url, data=None, headers=None):
        request = urllib.request.Request(url, data, headers or {}, method=method)
        with urllib.request.urlopen(request) as answer:
            return answer.read()

    metadata = {"x-amz-meta-a": "b", "Content-Type": "text/x-url"}
    send("PUT", url("put_object", Metadata={"a": "b"}, ContentType="text/x-url"), b"data", metadata)
    same(s3.head_object(Bucket=bucket, Key="by url")["Metadata"], {"a": "b"})
    unsigned = {**metadata, "x-amz-meta-more": "c"}
    forged = raises(
        urllib.request.HTTPError,
        lambda: send("PUT", url("put_object", Metadata={"a": "b"}, ContentType="text/x-url"), b"forged", unsigned),
    )
    same(forged.code, 403, "a header that the URL does not sign")
    same(send("GET", url("get_object", VersionId="null")), b"data")
    tampered = url("get_object").replace("X-Amz-Expires=60", "X-Amz-Expires=61")
    same(raises(urllib.request.HTTPError, lambda: send("GET", tampered)).code, 403)
    send("DELETE", url("delete_object"))
    same(refused(lambda: read("by url")), ("NoSuchKey", 404))


@check("boto3 bucket policy: refused while public access is blocked; then anybody reads what it names, and no more")
def policy():
    for key in ("open/a", "closed/a"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    same(refused(lambda: s3.get_bucket_policy(Bucket=bucket)), ("NoSuchBucketPolicy", 404))
    statement = {
        "Sid": "everybody",
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/open/*"],
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    same(refused(lambda: s3.put_bucket_policy(Bucket=bucket, Policy=document)), ("AccessDenied", 403))
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=document)
    same(json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]), json.loads(document))
    same(s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"], {"IsPublic": True})
    same(nobody.get_object(Bucket=bucket, Key="open/a")["Body"].read(), b"x")
    same(refused(lambda: nobody.get_object(Bucket=bucket, Key="closed/a")), ("AccessDenied", 403))
    same(refused(lambda: nobody.put_object(Bucket=bucket, Key="open/a")), ("AccessDenied", 403))
    s3.delete_bucket_policy(Bucket=bucket)
    same(refused(lambda: nobody.get_object(Bucket=bucket, Key="open/a")), ("AccessDenied", 403))
    malformed = document.replace("Effect", "Efect")
    same(refused(lambda: s3.put_bucket_policy(Bucket=bucket, Policy=malformed)), ("MalformedPolicy", 400))


@check("boto3 tags: of buckets, of objects, by header, kept or replaced by a copy: in order, in any script")
def tags():
    first = [{"Key": "größe +/=.", "Value": "日本 1"}, {"Key": "a", "Value": ""}]
    same(refused(lambda: s3.get_bucket_tagging(Bucket=bucket)), ("NoSuchTagSet", 404))
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": first})
    same(s3.get_bucket_tagging(Bucket=bucket)["TagSet"], first)
    s3.delete_bucket_tagging(Bucket=bucket)
    same(refused(lambda: s3.get_bucket_tagging(Bucket=bucket)), ("NoSuchTagSet", 404))

    one = {"Bucket": bucket, "Key": "tagged"}
    s3.put_object(**one, Tagging="a=b&c+d=%2B")
    by_header = [{"Key": "a", "Value": "b"}, {"Key": "c d", "Value": "+"}]
    same(s3.get_object_tagging(**one)["TagSet"], by_header)
    same(s3.get_object(**one)["TagCount"], 2)
    s3.put_object_tagging(**one, Tagging={"TagSet": first})
    same(s3.get_object_tagging(**one)["TagSet"], first)
    s3.copy_object(Bucket=bucket, Key="tagged copy", CopySource=one)
    same(s3.get_object_tagging(Bucket=bucket, Key="tagged copy")["TagSet"], first)
    s3.copy_object(Bucket=bucket, Key="tagged copy", CopySource=one, TaggingDirective="REPLACE", Tagging="x=y")
    same(s3.get_object_tagging(Bucket=bucket, Key="tagged copy")["TagSet"], [{"Key": "x", "Value": "y"}])
    twice = {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}
    same(refused(lambda: s3.put_object_tagging(**one, Tagging=twice)), ("InvalidTag", 400))
    s3.delete_object_tagging(**one)
    same(s3.get_object_tagging(**one)["TagSet"], [])


@check("boto3 lifecycle: rules of every kind: given back as they were; HEAD tells when an object goes; against the rules")
def lifecycle():
    rules = [
        {
            "ID": "by prefix & size",
            "Status": "Enabled",
            "Filter": {"And": {"Prefix": "log/", "ObjectSizeGreaterThan": 10, "Tags": [{"Key": "a", "Value": "b"}]}},
            "Expiration": {"Days": 3},
        },
        {"ID": "all", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 1}},
        {
            "ID": "former",
            "Status": "Disabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 2},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
        },
        {
            "ID": "markers",
            "Status": "Enabled",
            "Filter": {"Prefix": "markers/"},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
        },
    ]
    same(refused(lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket))[0], "NoSuchLifecycleConfiguration")
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    same(s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"], rules)
    told = s3.put_object(Bucket=bucket, Key="tmp/a")["Expiration"]
    same(('rule-id="all"' in told, "GMT" in told), (True, True), told)
    same(s3.head_object(Bucket=bucket, Key="tmp/a")["Expiration"], told)
    same(s3.put_object(Bucket=bucket, Key="elsewhere").get("Expiration"), None)
    never = [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 0}}]
    bad = {"Bucket": bucket, "LifecycleConfiguration": {"Rules": never}}
    same(refused(lambda: s3.put_bucket_lifecycle_configuration(**bad)), ("InvalidArgument", 400))
    s3.delete_bucket_lifecycle(Bucket=bucket)
    same(refused(lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket))[0], "NoSuchLifecycleConfiguration")


@check("boto3 notifications: to a webhook, with filters: given back as they were; to nobody that is known: refused")
def notifications():
    queue = {
        "Id": "images",
        "QueueArn": "arn:sextant:sqs::somewhere:webhook",
        "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"],
        "Filter": {
            "Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".jpg"}]},
        },
    }

    def configure(*queues):
        configuration = {"QueueConfigurations": queues} if queues else {}
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)

    def told():
        answer = s3.get_bucket_notification_configuration(Bucket=bucket)
        return answer.get("QueueConfigurations")

    same(told(), None)
    configure(queue)
    [back] = told()
    names = [rule["Name"].lower() for rule in back["Filter"]["Key"]["FilterRules"]]
    same(names, ["prefix", "suffix"])
    for rule in back["Filter"]["Key"]["FilterRules"]:
        rule["Name"] = rule["Name"].lower()
    same(back, queue)
    nowhere = {**queue, "QueueArn": "arn:sextant:sqs::nowhere:webhook"}
    same(refused(lambda: configure(nowhere)), ("InvalidArgument", 400))
    same(told() is not None, True, "what was there stays")
    configure()
    same(told(), None)


@check("boto3 CORS: rules given back as they were; a browser is answered by them, and refused without")
def cors():
    rule = {
        "ID": "page",
        "AllowedOrigins": ["https://*.example.com"],
        "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag", "x-amz-version-id"],
        "MaxAgeSeconds": 600,
    }
    same(refused(lambda: s3.get_bucket_cors(Bucket=bucket)), ("NoSuchCORSConfiguration", 404))
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    same(s3.get_bucket_cors(Bucket=bucket)["CORSRules"], [rule])
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "cors"})
    asked = {"Origin": "https://a.example.com", "Access-Control-Request-Method": "PUT"}
    with urllib.request.urlopen(urllib.request.Request(url, headers=asked, method="OPTIONS")) as answer:
        same(answer.headers["Access-Control-Allow-Origin"], asked["Origin"])
        same(answer.headers["Access-Control-Max-Age"], "600")
    s3.delete_bucket_cors(Bucket=bucket)
    request = urllib.request.Request(url, headers=asked, method="OPTIONS")
    same(raises(urllib.request.HTTPError, lambda: urllib.request.urlopen(request)).code, 403)


run_checks()
