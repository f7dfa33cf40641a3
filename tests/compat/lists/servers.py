# SPDX-License-Identifier: Apache-2.0
"""servers: daemons and web servers, asked over the loopback and stopped; as root with workers of
another user."""

from data_stores import WAIT
from listed_program import Program

NGINX = r'''
cat >nginx.conf <<END
daemon on; worker_processes 2; pid nginx.pid; error_log log crit; $(
    [ $(id -u) = 0 ] && echo 'user www-data;')
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u;
    scgi_temp_path s; gzip on; gzip_types *;
    server { listen 127.0.0.1:$port; root $PWD; location /x { return 200 "x\$request_uri"; } }
}
END
'''
APACHE = r'''
modules=/usr/lib/apache2/modules
cat >apache.conf <<END
ServerRoot $PWD
ServerName localhost
PidFile apache.pid
Listen 127.0.0.1:$port
DocumentRoot $PWD
ErrorLog log
LoadModule mpm_MPM_module $modules/mod_mpm_MPM.so
LoadModule alias_module $modules/mod_alias.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule cgi_module $modules/mod_cgi.so
LoadModule dir_module $modules/mod_dir.so
User www-data
Group www-data
ScriptAlias /cgi/ $PWD/cgi/
END
mkdir cgi; printf '#!/bin/sh\necho; echo from a script\n' >cgi/script; chmod 755 cgi/script
'''
PAGES = '''
seq 1 3000 >page
ask() { curl -s -o answer -w '%{http_code} %{size_download}\\n' "http://127.0.0.1:$port/$1"
    cksum <answer; }
'''


def apache(mpm):
    return Program("apache2 %s" % mpm, packages="apache2-bin curl", needs_root=True,
                   script=WAIT + PAGES + APACHE.replace("MPM", mpm) + '''
        $under apache2 -f $PWD/apache.conf
        answers test -f apache.pid; answers curl -s http://127.0.0.1:$port/page
        for i in 1 2 3; do ask page; ask cgi/script; ask missing; done
        apache2 -f $PWD/apache.conf -k graceful; sleep 0.5; ask page
        pid=$(cat apache.pid); apache2 -f $PWD/apache.conf -k stop
        while kill -0 $pid 2>/dev/null; do sleep 0.1; done
        ''', vary=[("names", "log|cgisock.*", "it holds times and pids")])


PROGRAMS = (
    Program("nginx", is_quick=True, packages="nginx-light curl", script=WAIT + PAGES + NGINX + '''
        $under nginx -e stderr -p $PWD -c $PWD/nginx.conf
        answers test -f nginx.pid; answers curl -s http://127.0.0.1:$port/page
        for i in 1 2 3; do ask page; ask x/y?z; ask missing; done
        nginx -e stderr -p $PWD -c $PWD/nginx.conf -s reload; sleep 0.3; ask page
        pid=$(cat nginx.pid); kill -QUIT $pid; while kill -0 $pid 2>/dev/null; do sleep 0.1; done
        cat log
        '''),
    apache("event"),
    apache("prefork"),
    Program("lighttpd", packages="lighttpd curl", script=WAIT + PAGES + '''
        echo "server.document-root = \\"$PWD\\"" >conf; echo "server.port = $port" >>conf
        echo 'server.bind = "127.0.0.1"' >>conf
        $under lighttpd -D -f conf 2>log & server=$!; answers curl -s http://127.0.0.1:$port/page
        ask page; ask missing; kill $server; wait $server; echo $?
        ''', vary=[("names", "log", "times")]),
    Program("haproxy", packages="haproxy curl python3", script=WAIT + PAGES + '''
        back=$((port + 1)); python3 $given/pages.py $back >log 2>&1 & behind=$!
        cat >conf <<END
global
    nbthread 2
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend f
    bind 127.0.0.1:$port
    default_backend b
backend b
    server s 127.0.0.1:$back
END
        answers curl -s http://127.0.0.1:$back/page
        $under haproxy -W -f conf 2>log2 & server=$!; answers curl -sf http://127.0.0.1:$port/page
        ask page; ask page; kill -USR1 $server; wait $server; echo $?; kill $behind; wait $behind
        echo $?
        ''', vary=[("names", "log2?", "times, ports and pids")]),
    Program("sshd", packages="openssh-server openssh-client", needs_root=True,
            script=WAIT + '''
        mkdir -p /run/sshd; ssh-keygen -q -t ed25519 -N '' -f key; cp key.pub authorized
        chmod 600 authorized
        $under /usr/sbin/sshd -D -e -f /dev/null -h $PWD/key -p $port -o ListenAddress=127.0.0.1 \\
            -o AuthorizedKeysFile=$PWD/authorized -o StrictModes=no -o PidFile=none -o UsePAM=no \\
            -o PermitRootLogin=yes -o 'Subsystem=sftp internal-sftp' 2>log & server=$!
        answers sh -c "ssh-keyscan -p $port 127.0.0.1 2>/dev/null | grep ."
        ask="-F /dev/null -i key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -q"
        seq 1 20000 | $under ssh $ask -p $port 127.0.0.1 'wc; echo problem >&2; exit 5'; echo $?
        $under scp $ask -P $port 127.0.0.1:$PWD/authorized copy; cmp copy authorized && echo same
        echo 'ls /etc/hostname' | $under sftp $ask -P $port -b - 127.0.0.1
        kill $server; wait $server; echo $?
        ''', vary=[("names", "log|key.*|authorized|copy", "a new key each time")], apart={
            "heaptrack": (".", "what it records went into the connection to the server, which had "
                          "got the number of the descriptor that ssh had closed"),
            "lsan": (".", "a process of sshd ends without a word, and so does the connection")}),
    Program("mosquitto", packages="mosquitto mosquitto-clients", script=WAIT + '''
        printf 'listener %d 127.0.0.1\\nallow_anonymous true\\n' $port >conf
        $under mosquitto -c conf 2>log & server=$!
        answers mosquitto_pub -p $port -t x -m x
        mosquitto_sub -p $port -t t -C 50 >got & reader=$!; sleep 0.5
        seq 1 50 | mosquitto_pub -p $port -t t -l; wait $reader; cksum got
        kill $server; wait $server; echo $?
        ''', vary=[("names", "log", "times")]),
    Program("squid", packages="squid curl python3", needs_root=True, limit_s=120,
            script=WAIT + PAGES + '''
        back=$((port + 1)); python3 $given/pages.py $back >log 2>&1 & behind=$!
        chmod 777 .
        cat >conf <<END
http_port 127.0.0.1:$port
http_access allow all
cache_mem 8 MB
pid_filename $PWD/squid.pid
access_log none
cache_log $PWD/squid.log
coredump_dir $PWD
netdb_filename none
visible_hostname here
shutdown_lifetime 1 second
pinger_enable off
END
        answers curl -s http://127.0.0.1:$back/page
        $under squid -N -f $PWD/conf 2>/dev/null & server=$!
        answers curl -sf -x 127.0.0.1:$port http://127.0.0.1:$back/page
        for i in 1 2 3; do curl -s -x 127.0.0.1:$port http://127.0.0.1:$back/page | cksum; done
        kill $server; wait $server; echo $?; kill $behind; wait $behind; echo $?
        ''', vary=[("names", "log|squid.log|squid.pid", "times and pids")]),
    Program("bind9", packages="bind9 bind9-dnsutils", script=WAIT + '''
        printf '$TTL 1\\n@ SOA a. b. 1 1 1 1 1\\n@ NS a.\\nwww A 10.1.2.3\\n' >zone
        cat >conf <<END
options { directory "$PWD"; listen-on port $port { 127.0.0.1; }; listen-on-v6 { none; };
    pid-file none; session-keyfile none; recursion no; dnssec-validation no; };
controls { }; zone "example" { type primary; file "$PWD/zone"; };
END
        named-checkconf conf && named-checkzone example zone
        $under named -f -c $PWD/conf -n 2 2>log & server=$!
        answers dig +time=1 @127.0.0.1 -p $port www.example
        for i in 1 2 3; do $under dig +short +norec @127.0.0.1 -p $port www.example; done
        kill $server; wait $server; echo $?
        ''', vary=[("names", "log|managed-keys.*", "times")]),
    Program("varnish", packages="varnish curl python3 gcc", needs_root=True,
            script=WAIT + PAGES + '''
        back=$((port + 1)); python3 $given/pages.py $back >log 2>&1 & behind=$!
        chmod 777 .; answers curl -s http://127.0.0.1:$back/page
        $under varnishd -F -a 127.0.0.1:$port -b 127.0.0.1:$back -n $PWD/v -s malloc,8m -j none \\
            >log2 2>&1 & server=$!; answers curl -sf http://127.0.0.1:$port/page
        ask page; ask page; kill $server; wait $server; echo $?; kill $behind; wait $behind; echo $?
        ''', vary=[("names", "log2?|v/.*", "times and pids")], apart={
            "lsan": (".", "the C compiler, which varnishd starts, crashes")}),
    Program("cron, at", packages="cron", needs_root=True, script='''
        $under cron -f -L 0 & server=$!; sleep 0.5; kill $server; wait $server; echo $?
        crontab -l; echo $?
        '''),
    Program("dbus-daemon", packages="dbus", script='''
        $under dbus-run-session -- dbus-send --session --print-reply=literal \\
            --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames; echo $?
        '''),
)
