#!/bin/sh
# Writes the key of the S3 server from the environment, then starts it; `start.sh --print` only prints it.
set -eu
case "${S3_ACCESS_KEY:?}${S3_SECRET_KEY:?}" in
  *[!A-Za-z0-9/+=_-]*) echo "S3_ACCESS_KEY and S3_SECRET_KEY: letters, digits and / + = _ - only" >&2; exit 2 ;;
esac
keys() {
  printf '{"identities":[{"name":"findata","credentials":[{"accessKey":"%s","secretKey":"%s"}],' \
    "$S3_ACCESS_KEY" "$S3_SECRET_KEY"
  printf '"actions":["Admin","Read","List","Tagging","Write"]}]}\n'
}
if [ "${1:-}" = --print ]; then
  keys
  exit 0
fi
umask 077
keys > /tmp/s3.json
exec weed server -dir=/data -ip=objects -ip.bind=0.0.0.0 -filer -s3 -s3.port=8333 -s3.config=/tmp/s3.json \
  -master.volumeSizeLimitMB=1024 -volume.max=0
