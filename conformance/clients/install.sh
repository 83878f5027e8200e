#!/usr/bin/env bash
# Installs the programs that conformance/clients drives, on a bare Debian, as root: rclone and curl from Debian, the aws cli
# and boto3 from PyPI in a virtual environment. Safe to run again. Prints the environment's directory last.
set -euo pipefail

venv="${CONFORMANCE_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/sextant-conformance/venv}"

packages=()
command -v rclone >/dev/null || packages+=(rclone)
command -v curl >/dev/null || packages+=(curl)
python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3 python3-venv)
if [ "${#packages[@]}" -gt 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

if ! "$venv/bin/aws" --version >/dev/null 2>&1 || ! "$venv/bin/python" -c 'import boto3' 2>/dev/null; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check awscli boto3
fi

rclone version >&2
"$venv/bin/aws" --version >&2
"$venv/bin/python" -c 'import boto3; print("boto3", boto3.__version__)' >&2
echo "$venv"
