# SPDX-License-Identifier: Apache-2.0
"""shells: shells, and the small programs that they are full of."""

from listed_program import Program

PROGRAMS = (
    Program("dash", is_quick=True, packages="dash", script='''
        seq 1 500 | sort -rn | head -3
        (sleep 0.02; echo late) & wait $!; echo "waited $?"
        x=$(printf '%s\\n' a b c | tr a-c x-z); echo "$x"
        echo problem >&2; trap 'echo on exit' EXIT; kill -0 $$; (exit 7); echo $?
        '''),
    Program("bash pipelines", is_quick=True, shell="/bin/bash", packages="bash", script='''
        set -o pipefail
        for i in {1..200}; do x[i]=$(echo "$i"); done; echo "${x[@]}" | md5sum
        while read -r a b; do echo "$b:$a"; done < <(paste <(seq 1 9) <(seq 11 19)) >out.txt
        coproc cat; echo through >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; echo "$line"
        eval "exec ${COPROC[1]}>&-"; wait
        trap 'echo usr1' USR1; kill -USR1 $$; (kill -TERM $BASHPID); echo $?
        sleep 30 & kill $!; wait $!; echo $?
        cat /nonexistent; false | true; echo "${PIPESTATUS[@]} $?"
        '''),
    Program("coreutils", is_quick=True, packages="coreutils", script='''
        seq 1 5000 | $under shuf --random-source=/bin/true >a; sort -n -S 1M --parallel=2 a >b
        sha256sum a b; md5sum b; cksum b; split -l 700 b part.; cat part.* | cmp - b && echo same
        mkdir -p d/e/f; cp -a part.* d/e; ln -s e d/link; ls -R d; mv d/e/part.aa d
        stat -c '%n %a' d
        join b b | tail -2; comm -12 b b | wc; fold -w 7 b | tac | nl | tail -2; factor 123456789
        dd if=b of=c bs=100 count=3 2>&1 | head -2; touch -d @0 c; date -r c; chmod 600 c; rm -r d
        timeout 0.1 sleep 5; echo $?; nice -n 5 echo nice; env -i PATH=$PATH printenv PATH | wc -l
        '''),
    Program("grep sed awk", is_quick=True, packages="grep sed mawk", script='''
        seq 1 3000 | sed -n 's/\\([0-9]\\)7$/<\\1>/p' | sort | uniq -c | sort -rn | head -4
        seq 1 3000 | $under mawk '{ s[$1 % 7] += $1 } END { for (i = 0; i < 7; i++) print i, s[i] }'
        seq 1 3000 | grep -cE '(1|2)[3-5]*9$'; echo text | grep -q nothing; echo $?
        printf 'a b\\nc d\\n' | sed -i.old -e 's/x/y/' /dev/stdin 2>/dev/null; echo $?
        '''),
    Program("findutils", is_quick=True, packages="findutils", script='''
        mkdir -p a/b c; touch a/1 a/b/2 c/3
        $under find . -type f -newermt 2000-01-01 | sort
        find /usr/include -name 'std*.h' | sort | xargs -n 2 -P 2 wc -c | sort
        find a -depth -exec echo {} + | tr ' ' '\\n' | sort; find . -name '[0-9]' -delete; ls a c
        '''),
    Program("diffutils", is_quick=True, packages="diffutils patch", script='''
        seq 1 2000 >a; seq 1 3 2000 >b; sed s/5/6/ a >c; diff3 a b c | md5sum; sdiff -s a c
        $under diff -u --label a --label b a b >p; echo $?
        patch -s a p && cmp a b && echo same; cmp a c; echo $?
        '''),
)
