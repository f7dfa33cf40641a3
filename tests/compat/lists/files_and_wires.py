# SPDX-License-Identifier: Apache-2.0
"""files_and_wires: archives, compression, versions, cryptography and the network."""

from data_stores import WAIT
from listed_program import Program

GIT = '''
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_AUTHOR_DATE=2020-01-01T00:00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00:00Z
'''

PROGRAMS = (
    Program("tar, gzip, bzip2", is_quick=True, packages="tar gzip bzip2", script='''
        mkdir d; seq 1 30000 >d/a; seq 1 2 9000 >d/b; ln -s a d/c; touch -d @0 d/* d
        $under tar --sort=name --mtime=@0 --owner=0 --group=0 -cf a.tar d
        $under gzip -nk9 a.tar; $under bzip2 -k a.tar; $under tar -tvzf a.tar.gz; rm -r d
        $under tar -xjf a.tar.bz2; cksum d/*; $under tar -xf /nonexistent; echo $?
        '''),
    Program("xz", is_quick=True, packages="xz-utils", script='''
        seq 1 60000 >a; $under xz -k -T2 -6 a; $under xz -tv a.xz; $under xz -dc a.xz | cmp - a
        echo $?; echo no | $under xz -d; echo $?; $under xz -l a.xz
        ''', vary=[("stderr", r"[0-9.]+ MiB/s|\d:\d+", "how fast it was")]),
    Program("zstd", packages="zstd", script='''
        seq 1 100000 >a; $under zstd -q -T2 -19 a -o b.zst; $under zstd -qdc b.zst | cmp - a
        echo $?
        for i in $(seq 1 40); do seq $i $((i * 50)) >s$i; done; $under zstd -q --train s* -o dict
        $under zstd -q -D dict s9 -o c.zst; $under zstd -lv c.zst b.zst
        '''),
    Program("lz4, brotli, lzop", packages="lz4 brotli lzop", script='''
        seq 1 100000 >a; touch -d @0 a; $under lz4 -q a a.lz4; $under lz4 -dc a.lz4 | cmp - a
        $under brotli -q 7 a; $under brotli -dc a.br | cmp - a; $under lzop -k a
        lzop -dc a.lzo | cmp - a
        '''),
    Program("zip, 7z", packages="zip unzip p7zip-full", script='''
        seq 1 50000 >a; seq 1 999 >b; touch -d @0 a b; $under zip -qX a.zip a b; unzip -l a.zip
        $under 7z a -mmt=2 -bd a.7z a b >out; $under 7z t a.7z | grep -c Everything
        $under unzip -p a.zip a | cmp - a; echo $?
        ''', vary=[("names", "out", "how much memory the machine has")]),
    Program("cpio, ar, dpkg-deb", packages="cpio dpkg binutils", script='''
        mkdir -p p/DEBIAN p/usr; seq 1 9000 >p/usr/a; chmod -R u=rwX,go=rX p
        printf 'Package: p\\nVersion: 1\\nArchitecture: all\\nMaintainer: a <a@b>\\n' \\
            >p/DEBIAN/control
        printf 'Description: a\\n' >>p/DEBIAN/control; find p -exec touch -hd @0 {} +
        SOURCE_DATE_EPOCH=0 $under dpkg-deb --root-owner-group -b p p.deb; dpkg-deb -I p.deb
        ar t p.deb
        find p | sort | $under cpio -o --reproducible -H newc >a.cpio; cpio -t <a.cpio
        $under dpkg-query -W 'libc6*' | wc -l; dpkg -s libc6 | head -3
        ''', vary=[("names", "a.cpio", "inode numbers")]),
    Program("apt-cache", packages="apt", script='''
        $under apt-cache policy libc6 | head -3; $under apt-cache depends bash
        $under apt-get -s install --no-install-recommends bash 2>&1 | tail -3
        '''),
    Program("git", is_quick=True, packages="git", script=GIT + '''
        $under git init -q -b main r; cd r; seq 1 3000 >a; $under git add a
        $under git commit -qm first
        for i in 1 2 3 4 5; do seq $i $((i * 900)) >a; git commit -qam "change $i"; done
        git checkout -qb side HEAD~2; seq 5 9 >b; git add b; git commit -qm side
        git checkout -q main; $under git merge -q side -m merge
        $under git log --stat --graph --oneline
        $under git gc -q --prune=now; $under git fsck --strict; $under git blame a | tail -2
        cd ..; $under git clone -q r copy; git -C copy rev-parse HEAD; git -C copy grep -c 77 a
        $under git -C r repack -qadf --threads=2; git -C copy pull --rebase; echo $?
        ''', vary=[("names", "(r|copy)/.git/(index|objects/.*|hooks/.*|logs/.*|ORIG_HEAD|gc.*)",
                    "the index holds inodes; packs made by threads differ in their bytes")]),
    Program("mercurial", packages="mercurial", script='''
        export HGUSER=a HGRCPATH=; $under hg init r; cd r; seq 1 999 >a; hg add a
        $under hg commit -d '0 0' -m first; seq 1 3 999 >a; hg commit -d '0 0' -m second
        $under hg log -p | cksum; hg clone -q . ../copy; $under hg -R ../copy verify
        ''', vary=[("names", "(r|copy)/.hg/.*", "times")]),
    Program("subversion", packages="subversion", script='''
        $under svnadmin create r; svn mkdir -q -m first file://$PWD/r/trunk
        $under svn checkout -q file://$PWD/r/trunk w; seq 1 999 >w/a; svn add -q w/a
        $under svn commit -q -m second w; svn update w; svn cat file://$PWD/r/trunk/a | cksum
        $under svnadmin verify -q r; echo $?
        ''', vary=[("names", "(r|w/.svn|\\.subversion)/.*", "times and ids")]),
    Program("openssl", is_quick=True, packages="openssl", script='''
        seq 1 20000 >a; $under openssl dgst -sha256 a; $under openssl genrsa -out key 2048
        $under openssl req -new -x509 -key key -subj /CN=a -days 2 -out crt
        openssl verify -CAfile crt crt
        $under openssl dgst -sha256 -sign key -out sig a
        openssl dgst -sha256 -prverify key -signature sig a
        $under openssl enc -aes-256-cbc -pbkdf2 -k pass -in a | openssl enc -d -aes-256-cbc \\
            -pbkdf2 \\
            -k pass | cmp - a; echo $?; openssl rsa -in /nonexistent 2>/dev/null; echo $?
        ''', vary=[("names", "key|crt|sig", "a new key each time"),
                   ("stderr", "[.+*]+\\n|[0-9A-F]{12,}", "how long the search for primes took")]),
    Program("openssl s_server", packages="openssl", script=WAIT + '''
        openssl req -new -x509 -newkey rsa:2048 -nodes -keyout key -subj /CN=a -out crt 2>log
        $under openssl s_server -key key -cert crt -accept 127.0.0.1:$port -www >log2 2>&1 &
        server=$!
        answers sh -c "echo | openssl s_client -connect 127.0.0.1:$port"
        for i in 1 2 3; do $under curl -sk -o /dev/null -w '%{http_code}\\n' \\
            https://127.0.0.1:$port/
        done; exec 2>/dev/null; kill $server; wait $server; echo $?
        ''', vary=[("names", "key|crt|log2?", "a new key each time")]),
    Program("gnupg", packages="gpg gpg-agent gpgconf", script='''
        export GNUPGHOME=$PWD/g; mkdir -m 700 g; seq 1 9000 >a
        $under gpg -q --batch --passphrase '' --quick-gen-key a@b ed25519 sign 2>log
        $under gpg -q --batch --sign a; $under gpg -q --batch --verify a.gpg 2>>log; echo $?
        $under gpg -q --batch -c --passphrase x --pinentry-mode loopback -o c.gpg a
        $under gpg -q --batch -d --passphrase x --pinentry-mode loopback c.gpg | cmp - a; echo $?
        gpgconf --kill all
        ''', vary=[("names", "g/.*|a.gpg|c.gpg|log", "a new key each time")]),
    Program("ssh-keygen", packages="openssh-client", script='''
        for t in rsa ecdsa ed25519; do $under ssh-keygen -q -t $t -N '' -f $t; done
        $under ssh-keygen -l -f rsa.pub | cut -d ' ' -f 1,4; echo text >a
        $under ssh-keygen -Y sign -f ed25519 -n file a
        eval $(ssh-agent) >/dev/null; $under ssh-add -q ed25519; ssh-add -l | wc -l; ssh-agent -k
        $under ssh -G -F /dev/null host | cksum; $under ssh -F /dev/null -p $port 127.0.0.1; echo $?
        ''', vary=[("names", "(rsa|ecdsa|ed25519).*|a.sig", "new keys"),
                   ("stdout", r"pid \d+", "a pid")]),
    Program("curl", is_quick=True, packages="curl python3", script=WAIT + '''
        seq 1 60000 >page; $under python3 $given/pages.py $port >log 2>&1 & server=$!
        answers curl -s http://127.0.0.1:$port/page
        $under curl -sS --no-progress-meter --parallel http://127.0.0.1:$port/page -o a http://127.0.0.1:$port/page -o b
        cmp a b; $under curl -sS -r 5-99 http://127.0.0.1:$port/page | cksum
        $under curl -sSf http://127.0.0.1:$port/missing; echo $?
        $under curl -sS file://$PWD/a | cksum
        $under curl -sS http://127.0.0.1:1/; echo $?; kill $server; wait $server; echo $?
        ''', vary=[("names", "log", "times and ports")]),
    Program("wget, aria2, lftp", packages="wget aria2 lftp python3", script=WAIT + '''
        mkdir s; seq 1 60000 >s/page; echo "<a href=page>page</a>" >s/index.html
        python3 $given/pages.py $port s >log 2>&1 & server=$!
        answers wget -qO- http://127.0.0.1:$port/page
        $under wget -q -r -nH -P w http://127.0.0.1:$port/; find w | sort
        $under aria2c -q --no-conf -d a http://127.0.0.1:$port/page; cmp a/page s/page; echo $?
        $under lftp -c "set xfer:log no; get http://127.0.0.1:$port/page -o l"; cmp l s/page
        echo $?
        kill $server; wait $server; echo $?
        ''', vary=[("names", "log|\\.local.*|\\.lftp.*", "times")]),
    Program("rsync", packages="rsync", script=WAIT + '''
        mkdir -p a/b; for i in 1 2 3 4; do seq $i $((i * 5000)) >a/b/$i; done; ln -s 1 a/b/l
        touch -d @0 a/b/*; $under rsync -a --stats a/ c; sed -i s/7/8/ a/b/3
        touch -d @0 a/b
        $under rsync -aci --delete --partial a/ c; diff -r a c; echo $?
        printf 'use chroot = no\\n[m]\\npath = %s/a\\n' $PWD >conf
        $under rsync --daemon --no-detach --config=conf --address=127.0.0.1 --port=$port \\
            --log-file=log & server=$!; answers rsync rsync://127.0.0.1:$port/m/
        $under rsync -a rsync://127.0.0.1:$port/m/ d; diff -r a d; echo $?
        kill $server; wait $server; echo $?
        ''', vary=[("names", "log", "times"), ("stdout", "Total file list size.*|.* seconds|"
                    "File list .*|sent .*|Total bytes.*", "sizes on the wire, by the time")]),
    Program("socat, nc", packages="socat netcat-openbsd", script=WAIT + '''
        $under socat TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork EXEC:'tr a-z A-Z' & server=$!
        answers nc -z 127.0.0.1 $port; for i in 1 2 3
        do echo text $i | $under nc -N 127.0.0.1 $port
        done; kill $server; wait $server; echo $?
        $under socat -u EXEC:'echo pty',pty,stderr -; echo
        ''', vary=[("stderr", ".*socat.*\\n", "times and pids")]),
    Program("ip, ss, dig", packages="iproute2 bind9-dnsutils", script='''
        $under ip -j addr show lo; $under ip route; $under ss -ltnH
        $under dig +time=1 +tries=1 +short @127.0.0.1 -p 1 example; echo $?
        '''),
    Program("xmllint, xsltproc", packages="libxml2-utils xsltproc", script='''
        { echo '<l>'; for i in $(seq 3000); do echo "<e n='$i'><t>$i</t></e>"; done; echo '</l>'
        } >a
        cat >s <<'END'
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><o><xsl:for-each select="//e[@n mod 99 = 0]"><xsl:sort select="t"
order="descending"/>
<x><xsl:value-of select="t"/></x></xsl:for-each></o></xsl:template></xsl:stylesheet>
END
        $under xmllint --noout --xpath 'sum(//t)' a; $under xmllint --format a | cksum
        $under xsltproc s a; echo '<a><b></a>' | $under xmllint -; echo $?
        '''),
)
