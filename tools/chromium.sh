#!/bin/sh
# Makes sure that the browser tests find a Chromium: sh tools/chromium.sh PLAYWRIGHT
# An installed one is taken; else apt where we are root; else Playwright's own. Without any,
# those tests are skipped and say so: this script never fails.
set -u
playwright=$1

found() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" >/dev/null 2>&1 && return 0
    done
    ls "$HOME"/.cache/ms-playwright/chromium*/*/headless_shell \
        "$HOME"/.cache/ms-playwright/chromium*/*/chrome >/dev/null 2>&1
}

found && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "No Chromium is installed; installing Debian's for the browser tests ..."
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } \
        >/dev/null 2>&1 && found && exit 0
fi
echo "No Chromium is installed; trying Playwright's own for the browser tests ..."
"$playwright" install chromium --only-shell >/dev/null 2>&1 && found && exit 0
echo "The browser tests will be SKIPPED: no Chromium is here, and none could be installed."
echo "Install one (Debian, Ubuntu: sudo apt install chromium) and run make test again."
exit 0
