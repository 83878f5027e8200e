"""s3fs, the file system of fsspec (pandas, Dask, …), with its default settings."""

import os
import tempfile

import s3fs

from checks import MIB, ODD_NAMES, bucket, check, fill, raises, run_checks, same

fs = s3fs.S3FileSystem()


@check("s3fs pipe, cat, info: 0 bytes to 8 MiB: the same bytes")
def round_trips():
    for size in (0, 1, 4096, 8 * MIB):
        data = fill(size, size)
        fs.pipe(f"{bucket}/trip/{size}", data)
        same(fs.cat(f"{bucket}/trip/{size}"), data, f"{size} bytes")
        same((fs.info(f"{bucket}/trip/{size}")["size"], fs.isfile(f"{bucket}/trip/{size}")), (size, True))
    everything = fs.cat(fs.find(f"{bucket}/trip"))
    same(sorted(len(data) for data in everything.values()), [0, 1, 4096, 8 * MIB], "all at once")
    same(fs.cat_file(f"{bucket}/trip/4096", start=100, end=-96), fill(4096, 4096)[100:4000], "a range")


@check("s3fs open: 60 MiB written (in parts of 50 MiB), read back, here and there, by line: the same bytes")
def files():
    data = fill(60 * MIB + 1, "file")
    with fs.open(f"{bucket}/file", "wb") as file:
        for start in range(0, len(data), 7 * MIB):
            file.write(data[start : start + 7 * MIB])
    same(fs.info(f"{bucket}/file")["ETag"][-3:], '-2"')
    with fs.open(f"{bucket}/file", "rb") as file:
        same(file.read() == data, True, "the same bytes")
        for start, size in ((59 * MIB, 1000), (0, 1), (MIB - 1, 70_000)):
            file.seek(start)
            same(file.read(size), data[start : start + size])
    with fs.open(f"{bucket}/text", "w", encoding="utf-8") as file:
        file.write("eins\nzwölf\n")
    with fs.open(f"{bucket}/text", "r", encoding="utf-8") as file:
        same(list(file), ["eins\n", "zwölf\n"])
    with fs.open(f"{bucket}/text", "a", encoding="utf-8") as file:
        file.write("drei\n")
    same(fs.cat(f"{bucket}/text").decode(), "eins\nzwölf\ndrei\n")


@check("s3fs put, get: a tree of files up and down: the same bytes")
def trees():
    with tempfile.TemporaryDirectory() as directory:
        sizes = {"empty": 0, "dir/a b": 1000, "dir/ünï+%": 70_000, "dir/d/large": 9 * MIB}
        contents = {path: fill(size, path) for path, size in sizes.items()}
        for path, data in contents.items():
            os.makedirs(os.path.dirname(f"{directory}/up/{path}"), exist_ok=True)
            with open(f"{directory}/up/{path}", "wb") as file:
                file.write(data)
        fs.put(f"{directory}/up/", f"{bucket}/tree", recursive=True)
        same(fs.du(f"{bucket}/tree"), sum(map(len, contents.values())))
        fs.get(f"{bucket}/tree/", f"{directory}/down", recursive=True)
        for path, data in contents.items():
            with open(f"{directory}/down/{path}", "rb") as file:
                same(file.read(), data, path)


@check("s3fs find, ls, glob, walk: odd names: all, and no others")
def listing():
    paths = sorted((f"{bucket}/odd/{name}" for name in ODD_NAMES), key=str.encode)
    for path in paths:
        fs.pipe(path, path.encode())
    fs.invalidate_cache()
    same(fs.find(f"{bucket}/odd"), paths)
    for path in paths:
        same(fs.cat(path), path.encode(), path)
    tops = sorted({f"{bucket}/odd/{name.split('/')[0]}" for name in ODD_NAMES})
    same(sorted(fs.ls(f"{bucket}/odd")), tops)
    same(fs.glob(f"{bucket}/odd/a*"), [f"{bucket}/odd/a&b=c;d", f"{bucket}/odd/a+b"])
    same([files for *_, files in fs.walk(f"{bucket}/odd/ünï")], [[], ["日本語"]])


@check("s3fs cp, mv, rm, exists, touch: as on a disk")
def moves():
    data = fill(8 * MIB, "moves")
    fs.pipe(f"{bucket}/moves/a b", data)
    fs.cp(f"{bucket}/moves/a b", f"{bucket}/moves/c+d")
    fs.mv(f"{bucket}/moves/c+d", f"{bucket}/moves/e")
    fs.touch(f"{bucket}/moves/empty")
    fs.invalidate_cache()
    same(fs.find(f"{bucket}/moves"), [f"{bucket}/moves/{name}" for name in ("a b", "e", "empty")])
    same(fs.cat(f"{bucket}/moves/e") == data, True, "the same bytes")
    fs.rm(f"{bucket}/moves", recursive=True)
    same(fs.exists(f"{bucket}/moves"), False)
    raises(FileNotFoundError, lambda: fs.cat(f"{bucket}/moves/e"))


@check("s3fs mkdir, rmdir, created exclusively: a bucket made and removed; a file that is there is left alone")
def buckets():
    fs.mkdir(f"{bucket}-f")
    same(fs.exists(f"{bucket}-f"), True)
    fs.rmdir(f"{bucket}-f")
    fs.invalidate_cache()
    same(fs.exists(f"{bucket}-f"), False)
    fs.pipe(f"{bucket}/only", b"first", mode="create")
    raises(FileExistsError, lambda: fs.pipe(f"{bucket}/only", b"second", mode="create"))
    same(fs.cat(f"{bucket}/only"), b"first")


run_checks()
