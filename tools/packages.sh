#!/bin/sh
# Makes sure that the tests find what a machine has from its system: sh tools/packages.sh
# apt where we are root. What is not there is told, with the tests that are skipped for it: this
# script never fails.
set -u

need() { # COMMAND PACKAGES TESTS
    command -v "$1" >/dev/null 2>&1 && return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "No $1 is installed; installing it for the tests of $3 ..."
        # shellcheck disable=SC2086
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $2; } \
            >/dev/null 2>&1 && command -v "$1" >/dev/null 2>&1 && return 0
    fi
    echo "Tests of $3 will be SKIPPED: no $1 is here. Debian, Ubuntu: sudo apt install $2"
}

need bwrap bubblewrap "the sandbox's namespaces"
need pulseaudio "pulseaudio pulseaudio-utils libasound2-plugins libportaudio2" "a sound card"
exit 0
