# SPDX-License-Identifier: Apache-2.0
"""people: editors, terminals and what one person uses, played without one."""

from data_stores import WAIT
from listed_program import Program

PROGRAMS = (
    Program("vim", packages="vim", script='''
        seq 1 2000 >a
        $under vim -Nu NONE -i NONE -n -es -c '%s/7/seven/g' -c 'g/9$/d' -c 'sort! n' \\
            -c 'call writefile([string(range(9))], "l")' -c wq a </dev/null; echo $?; cksum a; cat l
        ''', vary=[("names", "\\.viminfo", "times")]),
    Program("emacs", packages="emacs-nox", limit_s=300, script='''
        seq 1 2000 >a
        $under emacs -Q --batch a --eval '(progn (while (re-search-forward "7$" nil t)
            (replace-match "seven")) (sort-lines t (point-min) (point-max)) (save-buffer)
            (princ (secure-hash (quote sha256) (current-buffer))) (terpri)
            (princ (shell-command-to-string "echo from a child")) (garbage-collect))'; echo $?
        printf '(defun f (x) (* x 2))\\n(provide (quote f))\\n' >f.el
        $under emacs -Q --batch -f batch-byte-compile f.el; emacs -Q --batch -l ./f.elc --eval \\
            '(progn (princ (f 21)) (kill-emacs 3))'; echo $?
        ''', vary=[("names", "a~", "the copy of the file")]),
    Program("nano, ed, less", packages="ed less nano", script='''
        seq 1 300 >a; printf 'g/7/s//x/\\n1,5p\\nw\\nq\\n' | $under ed -s a
        $under less -E a | tail -2
        $under nano --version | head -1
        '''),
    Program("tmux", packages="tmux", script=WAIT + '''
        export TMUX_TMPDIR=$PWD; $under tmux -f /dev/null new-session -d -x 80 -y 24 -s a sh
        tmux send-keys -t a 'PS1=; clear; seq 1 5; echo from inside >inside' Enter
        answers test -s inside; tmux new-window -t a 'echo second >second; sleep 60'
        answers test -s second
        tmux list-windows -a -F '#{window_width}'; tmux kill-server; sleep 0.3; cat inside second
        ''', vary=[("names", "tmux-.*", "its socket")]),
    Program("screen", packages="screen", script=WAIT + '''
        export SCREENDIR=$PWD/s; mkdir -m 700 s
        $under screen -c /dev/null -dmS a sh -c 'echo from inside >inside; tty >tty; sleep 60'
        answers test -s inside; cat inside; screen -S a -X quit; sleep 0.5; ls s
        ''', vary=[("names", "tty", "which terminal it is")]),
    Program("expect", packages="expect", script='''
        $under expect -c 'spawn -noecho sh -c "read x; echo got \\$x; exit 4"; send "text\\r"
            expect got; expect eof; lassign [wait] p i o status; exit $status'; echo $?
        '''),
    Program("script", packages="bsdutils", script='''
        $under script -qec 'tty >/dev/null && echo a terminal; stty size; exit 3' log </dev/null
        echo $?
        ''', vary=[("names", "log", "times")]),
    Program("man, mandoc", packages="mandoc groff-base", script='''
        printf '.TH A 1\\n.SH NAME\\na \\\\- b\\n.SH SEE\\n.B bold\\n.TP\\nx\\ny\\n' >a.1
        $under mandoc -T lint a.1; $under mandoc -T html a.1 | cksum; $under groff -man -T utf8 a.1
        '''),
    Program("gettext", packages="gettext", script='''
        printf 'msgid ""\\nmsgstr "Content-Type: text/plain; charset=UTF-8\\\\n"\\n' >a.po
        for i in $(seq 500); do printf 'msgid "w%d"\\nmsgstr "o%d"\\n' $i $i; done >>a.po
        $under msgfmt -c -o a.mo a.po; $under msgunfmt a.mo | cksum
        '''),
    Program("busybox", packages="busybox", script='''
        $under busybox sh -c 'seq 1 99 | sort -r | head -2; exit 3'; echo $?
        '''),
    Program("fakeroot", packages="fakeroot", script='''
        touch a; $under fakeroot sh -c 'chown 12:34 a; mknod dev c 1 3
            stat -c "%u %g %F" a dev; id -u'
        echo $?; stat -c %u a
        '''),
    Program("bubblewrap", packages="bubblewrap", script='''
        $under bwrap --ro-bind / / --proc /proc --dev /dev --bind $PWD $PWD --unshare-all \\
            --die-with-parent sh -c 'echo inside $$ >inside; seq 1 999 | sort -r | tail -1; exit 3'
        echo $?; cat inside
        ''', apart={"seep": ("^counts: process 1: no file", "what works in a "
                           "sandbox in which the folder with the files is not writable is not "
                           "recorded, and works as ever")}),
    Program("unshare", packages="util-linux", needs_root=True, script='''
        $under unshare -U -r sh -c 'id -u; seq 1 99 | sort -rn | head -1'
        $under unshare -p -f --mount-proc sh -c 'echo $$; sort </dev/null; cat /proc/self/comm'
        $under unshare -n -i -u sh -c 'hostname inside; hostname; seq 9 | sort -r | head -1'
        '''),
    Program("setpriv", packages="util-linux", needs_root=True, script='''
        as="--reuid=65534 --regid=65534 --clear-groups"
        $under setpriv $as --no-new-privs sh -c 'id -u; seq 9 | sort'
        $under setpriv $as --bounding-set=-all --inh-caps=-all sort -u /etc/hostname
        $under setpriv $as perl -e 'print "$> $<\\n"; open F, ">/root/x" or print "$!\\n"'
        '''),
    Program("sudo, su, runuser", packages="sudo util-linux login", needs_root=True, script='''
        $under runuser -u nobody -- sh -c 'id -un; seq 99 | sort -r | head -1; exit 3'; echo $?
        $under su -s /bin/sh -c 'id -un; seq 9 | sort' nobody
        $under sudo -n -u nobody sh -c 'id -un; seq 9 | sort; exit 4'; echo $?
        $under runuser -u nobody -- passwd -S nobody
        '''),
    Program("qemu-user", packages="qemu-user coreutils", script='''
        cp /bin/true .; $under qemu-x86_64 ./true; echo $?; $under qemu-x86_64 /bin/echo emulated
        '''),
    Program("chroot", packages="coreutils", needs_root=True, script='''
        $under chroot / /bin/sh -c 'seq 1 9 | sort -r | head -2'
        mkdir -p c/bin c/lib64 c/lib; cp /bin/sort /bin/dash c/bin; echo text >c/file
        cp -L /lib64/ld-linux-x86-64.so.2 c/lib64
        ldd /bin/sort | sed -n 's/.*=> \\([^ ]*\\).*/\\1/p' | xargs -I{} cp -L {} c/lib
        export LD_LIBRARY_PATH=/lib; $under chroot c /bin/sort /file; echo $?
        $under chroot c /bin/dash -c 'sort /file | sort -r; cd /; exec sort /file'; echo $?
        rm -r c
        '''),
    Program("ps in a PID namespace", packages="procps util-linux", needs_root=True, script='''
        $under unshare -p -f --mount-proc sh -c 'ps -e -o pid= | wc -l; sleep 0.1 &
            ps -C sleep -o comm=; wait'
        ''', apart={"seep": ("^stdout", "who lists all processes sees the helpers, which take the "
                           "snapshots; `--snapshots-by=inline` has none")}),
)
