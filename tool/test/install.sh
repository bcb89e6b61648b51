# install.sh - an installed Loom, and an application outside the tree that brings a kv and a signature of its own.
#
# SPDX-License-Identifier: ISC

check "make install-tool" make -C "$house" -s install-tool PREFIX=/usr DESTDIR="$PWD/root"
installed=$PWD/root/usr/bin/loom
check "the installed command" "$installed" --version
check "its manual page" test -s root/usr/share/man/man1/loom.1
if command -v man > /dev/null; then
    check "its manual page is well written" bash -c "[ -z \"\$(man --warnings -l root/usr/share/man/man1/loom.1 2>&1 > /dev/null)\" ]"
    check "its manual page names every command" bash -c '
        for command in $("$0" help | sed -n "s/^  \([a-z]*\) .*/\1/p"); do
            man -l root/usr/share/man/man1/loom.1 2> /dev/null | grep -q "loom $command" || exit 1
        done' "$installed"
else
    skip "its manual page is well written" "there is no man"
fi
check "completion for bash" bash -c '
    source root/usr/share/bash-completion/completions/loom
    COMP_WORDS=(loom des); COMP_CWORD=1; _loom; [ "${COMPREPLY[*]}" = describe ]'
for command in run debug; do
    check "completion for bash: each option of loom $command" bash -c '
        source root/usr/share/bash-completion/completions/loom
        COMP_WORDS=(loom "$1" --); COMP_CWORD=2; _loom
        for option in $("$0" "$1" --help | sed -n "s/^  -., \(--[a-z]*\).*/\1/p"); do
            [[ " ${COMPREPLY[*]} " = *" $option"[\ =]* ]] || { echo "$option"; exit 1; }
        done' "$installed" $command
    check "its manual page: each option of loom $command" bash -c '
        page=$(MANWIDTH=500 man -l root/usr/share/man/man1/loom.1 2> /dev/null)
        for option in $("$0" "$1" --help | sed -n "s/^  -., \(--[a-z]*\).*/\1/p"); do
            grep -q -e "$option" <<< "$page" || { echo "$option"; exit 1; }
        done' "$installed" $command
done
for shell in zsh fish; do
    file=root/usr/share/zsh/site-functions/_loom
    [ "$shell" = fish ] && file=root/usr/share/fish/vendor_completions.d/loom.fish
    if command -v $shell > /dev/null; then
        check "completion for $shell is its language" $shell -n $file
    else
        skip "completion for $shell is its language" "there is no $shell"
    fi
done
check "no tree is needed" bash -c "! grep -rqE '(^|[^[:alnum:]_./-])$house/' root/usr/share/loom --include='*.[ch]' --include='*.in'"

cp -r "$here/catalogue" .
check "an application with modules of its own builds, with the sanitizers" "$installed" build --build=debug catalogue
check "it is built from what is installed" grep -q "^house = \|-I$PWD/root/usr/share/loom" catalogue/build/unix/build.ninja
check "it runs" "$installed" run catalogue
check_says "its kv and its signature work" 'Good day, world'
check "its devices are described" "$installed" describe catalogue
check_says "its devices are described: in its own words" 'greeter by greeter_polite (says it in a few words)'
check "its size is told" "$installed" size catalogue
check_says "its size is told by its own modules" 'kv_counted'
check "its tests run, and the suite of the signature that it implements" "$installed" test catalogue
check_says "all of them pass" ' 0 failed'

if [ "$loom" -ef "$house/build/loom" ]; then
    check "another Loom configures it again" "$loom" describe catalogue
    check "another Loom configures it again: for its own files" grep -q "$house/lib" catalogue/build/unix/build.ninja
fi

if [ -x "$house/build/loom-tender" ]; then
    check "make install-tender" make -C "$house" -s install-tender PREFIX=/usr DESTDIR="$PWD/root"
fi
cp -r "$house/apps/hello" . && rm -rf hello/build
check "an image that is a machine is built from what is installed" "$installed" build -t vm hello
if [ -x root/usr/bin/loom-tender ] && [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
    check "and runs" "$installed" run -t vm hello
else
    skip "and runs" "no /dev/kvm, or no loom-tender"
fi

mv root/usr/bin/loom-crunch kept
application pages pages << 'END'
#include <loom/config.h>
#include "pages.h"
unikernel(pages)
{
    start(pages_start, http_server(stack_tcp(default_stack())), kv_pages("htdocs"));
}
END
check_error "pages without loom-crunch" 1 'pages/config.c:5: error: htdocs0 needs loom-crunch' "$installed" build pages
mv kept root/usr/bin/loom-crunch
mv root/usr/bin/loom-monitor kept
check_error "a machine without loom-monitor" 1 '--boot=pvh needs loom-monitor, which is not beside' "$installed" build -t vm pages
mv kept root/usr/bin/loom-monitor

sed -i 's/"kv_counted.c"/"kv_contued.c"/' catalogue/config.c
check_error "a source of a module that is not there" 1 'there is no' "$installed" build catalogue
check_says "a source of a module that is not there: its name" 'kv_contued.c'
