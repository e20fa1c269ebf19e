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
case ${OUTER_PROXIES:-} in
    *[!0-9A-Fa-f.:/,]*)
        echo "OUTER_PROXIES must be addresses or networks, separated by commas, such as 10.0.0.0/8" >&2
        exit 1
        ;;
esac
case ${SECURE_HSTS_SECONDS:-0} in
    *[!0-9]*)
        echo "SECURE_HSTS_SECONDS must be a whole number" >&2
        exit 1
        ;;
esac

# Whether a variable of LinkUp says yes; one that says nothing does.
says_yes() {
    case $(printf '%s' "$1" | tr '[:upper:]' '[:lower:]') in
        0 | false | no | off) return 1 ;;
    esac
}

# What LinkUp says of HSTS on pages, nginx says on files. Zero seconds: nothing is said.
hsts="max-age=${SECURE_HSTS_SECONDS:-31536000}"
if says_yes "${SECURE_HSTS_INCLUDE_SUBDOMAINS:-}"; then hsts="$hsts; includeSubDomains"; fi
if says_yes "${SECURE_HSTS_PRELOAD:-}"; then hsts="$hsts; preload"; fi
if [ "${SECURE_HSTS_SECONDS:-1}" -eq 0 ]; then hsts=""; fi

# nginx asks for the address of an upstream's server once, when it starts; that of a variable it asks for again. A
# container that was made again has another address.
address() {
    printf 'map "" $%s {\\n    default %s;\\n}' "$1" "$2"
}

# What stands before the site: Docker's own names, and whose X-Forwarded-For tells who asks.
beginning() {
    echo "resolver ${RESOLVER:-127.0.0.11} valid=2s ipv6=off;"
    [ -n "${OUTER_PROXIES:-}" ] || return 0
    echo "$OUTER_PROXIES" | tr ',' '\n' | sed -e '/^$/d' -e 's/.*/set_real_ip_from &;/'
    echo "real_ip_header X-Forwarded-For;"
    echo "real_ip_recursive on;"
}

target=${TARGET:-/etc/nginx/conf.d/linkup.conf}
beginning >"$target"
sed -e "s|/etc/letsencrypt/live/network\.example\.org|${CERTIFICATES:-/certificates}|" \
    -e "s|network\.example\.org|$name|g" \
    -e "/^upstream linkup_web {/,/^}/c\\$(address linkup_web "${WEB:-web:8000}")" \
    -e "/^upstream linkup_ws {/,/^}/c\\$(address linkup_ws "${WORKER:-worker:8001}")" \
    -e "s|http://linkup_w|http://\$linkup_w|" \
    -e "s|max-age=31536000; includeSubDomains; preload|$hsts|" \
    -e "s|/var/log/nginx/linkup\.log|/dev/stdout|" \
    "${SOURCE:-/linkup/linkup.conf}" >>"$target"
# The image's own site would answer for strangers in our place.
rm -f "${DEFAULT_SITE:-/etc/nginx/conf.d/default.conf}"
