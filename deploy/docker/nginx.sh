#!/bin/sh
# Fits deploy/nginx/linkup.conf to the containers of compose.yaml. nginx's image runs it before nginx starts.
set -eu

# The site's name: SITE_NAME, or the first of ALLOWED_HOSTS.
name=${SITE_NAME:-${ALLOWED_HOSTS%%,*}}
case $name in
    "" | *[!A-Za-z0-9.-]*)
        echo "SITE_NAME or ALLOWED_HOSTS must begin with the site's name, such as network.example.org" >&2
        exit 1
        ;;
esac
for file in fullchain.pem privkey.pem; do
    if [ ! -r "${CERTIFICATES:-/certificates}/$file" ]; then
        echo "There is no certificates/$file; docs/DEPLOYMENT_DOCKER.md says how to get one." >&2
        exit 1
    fi
done

sed -e "s|/etc/letsencrypt/live/network\.example\.org|${CERTIFICATES:-/certificates}|" \
    -e "s|network\.example\.org|$name|g" \
    -e "s|server 127\.0\.0\.1:8000|server ${WEB:-web:8000}|" \
    -e "s|server 127\.0\.0\.1:8001|server ${WORKER:-worker:8001}|" \
    -e "s|/var/log/nginx/linkup\.log|/dev/stdout|" \
    "${SOURCE:-/linkup/linkup.conf}" >"${TARGET:-/etc/nginx/conf.d/linkup.conf}"
# The image's own site would answer for strangers in our place.
rm -f "${DEFAULT_SITE:-/etc/nginx/conf.d/default.conf}"
