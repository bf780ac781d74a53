#!/bin/sh
# Lays out what a distribution package ships besides the program: manual pages, completion, units.
#   packaging/build.sh DIRECTORY [SMTPLENS]
# writes DIRECTORY/usr/... and DIRECTORY/etc/...; SMTPLENS is the program to ask (default: smtplens).
# BIN=/usr/bin/smtplens is where the units and the crontab look for it (default: /usr/local/bin/smtplens).
set -eu

root=${1:?usage: packaging/build.sh DIRECTORY [SMTPLENS]}
smtplens=${2:-smtplens}
bin=${BIN:-/usr/local/bin/smtplens}
here=$(dirname "$0")
# What this machine is set to is no part of a package.
export SMTPLENS_CONFIG=/dev/null

put() { # FILE TARGET: with the place of the program
    mkdir -p "$root/$(dirname "$2")"
    sed "s|/usr/local/bin/smtplens|$bin|g" "$here/$1" > "$root/$2"
}

man="$root/usr/share/man/man1"
mkdir -p "$man"
pages=$("$smtplens" man --list)
for page in $pages; do
    "$smtplens" man "$page" > "$man/$page.1"
    gzip -9nf "$man/$page.1"
done

for shell in bash zsh fish; do
    case $shell in
        bash) script=usr/share/bash-completion/completions/smtplens ;;
        zsh) script=usr/share/zsh/vendor-completions/_smtplens ;;
        fish) script=usr/share/fish/vendor_completions.d/smtplens.fish ;;
    esac
    mkdir -p "$root/$(dirname "$script")"
    "$smtplens" completion "$shell" > "$root/$script"
done

put smtplens.service usr/lib/systemd/system/smtplens.service
put smtplens.timer usr/lib/systemd/system/smtplens.timer
put smtplens.sysusers usr/lib/sysusers.d/smtplens.conf
put smtplens.tmpfiles usr/lib/tmpfiles.d/smtplens.conf
put smtplens.toml usr/share/doc/smtplens/smtplens.toml
put smtplens.cron usr/share/doc/smtplens/smtplens.cron
