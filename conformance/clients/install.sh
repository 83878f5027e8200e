#!/usr/bin/env bash
# Installs the programs that conformance/clients drives, on a bare Debian, as root: rclone, restic, s3fs (the
# FUSE one) and curl from Debian, the rest from PyPI. Each file of requirements/ makes a virtual environment: s3fs (the
# one of Python) wants an older botocore than boto3 does.
# Safe to run again. Prints the environments' directory last.
set -euo pipefail

requirements="$(cd "$(dirname "$0")" && pwd)/requirements"
environments="${CONFORMANCE_ENVIRONMENTS:-${XDG_CACHE_HOME:-$HOME/.cache}/sextant-conformance}"
# pip takes ten times as long.
uv='uv==0.13.9'

packages=()
for program in rclone restic s3fs curl; do
  command -v "$program" >/dev/null || packages+=("$program")
done
python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3 python3-venv)
if [ "${#packages[@]}" -gt 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

# install NAME: what requirements/NAME.txt says and nothing else, unless that is there already.
install() {
  local wanted="$requirements/$1.txt" place="$environments/$1"
  if cmp -s "$wanted" "$place/installed.txt" && "$place/bin/python3" -c ''; then return; fi
  if ! "$environments/uv/bin/uv" --version >/dev/null 2>&1; then
    python3 -m venv --clear "$environments/uv"
    "$environments/uv/bin/pip" install --quiet --disable-pip-version-check "$uv"
  fi
  "$environments/uv/bin/uv" venv --quiet --clear --python "$(command -v python3)" "$place"
  "$environments/uv/bin/uv" pip install --quiet --python "$place/bin/python3" --requirement "$wanted"
  cp "$wanted" "$place/installed.txt"
}
install programs
install data

{
  rclone version
  restic version
  s3fs --version | sed -n 1p
  grep -hE '^(awscli|boto3|deltalake|duckdb|minio|pyarrow|pyiceberg|s3cmd|s3fs)==' "$requirements"/*.txt
} >&2
echo "$environments"
