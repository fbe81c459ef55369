#!/bin/sh
# strace and gdb inside: each works or says that it may not; neither hangs, and the script goes on.
command -v strace >/dev/null || { echo "no strace on this machine" >&2; exit 77; }
command -v gdb >/dev/null || { echo "no gdb on this machine" >&2; exit 77; }
strace -o /dev/null "$P/helper_true" 2>/dev/null </dev/null
gdb -nx --batch -ex run "$P/helper_true" >/dev/null 2>&1 </dev/null
cat x
