# SPDX-License-Identifier: Apache-2.0
"""languages: interpreters and virtual machines, each at a piece of work with threads and children
where it has them (given/)."""

from listed_program import Program

GO = "export GOPROXY=off GO111MODULE=off GOCACHE=$PWD/cache GOFLAGS=-trimpath\n"

PROGRAMS = (
    Program("perl", is_quick=True, packages="perl", script='''
        $under perl $given/work.pl; echo $?
        perl -MData::Dumper -MPOSIX -e 'print Dumper([map { { $_ => floor($_ / 3) } } 1..50])'
        '''),
    Program("python3", is_quick=True, packages="python3",
            script="$under python3 $given/work.py; echo $?"),
    Program("python3 with malloc", is_quick=True, packages="python3", script='''
        export PYTHONMALLOC=malloc PYTHONHASHSEED=0; $under python3 $given/asynchronous.py; echo $?
        $under python3 -c 'import decimal, email, unittest, xml.dom.minidom, sqlite3'
        '''),
    Program("ruby", packages="ruby", script="$under ruby $given/work.rb; echo $?"),
    Program("node", packages="nodejs", script="$under node $given/work.js | sort"),
    Program("java", packages="openjdk-17-jre-headless default-jdk-headless",
            prepare="javac -d . $given/Work.java", script='''
        $under java -cp . Work; echo $?; $under java -Xint -Xmx64m -XX:+UseSerialGC -cp . Work
        echo $?
        '''),
    Program("javac", packages="default-jdk-headless", script='''
        $under javac -Xlint:all -d . $given/Work.java
        $under jar --create --date=2020-01-01T00:00:00Z --file work.jar *.class; jar tf work.jar
        echo 'class Bad { int x = "no"; }' >Bad.java; $under javac Bad.java; echo $?
        '''),
    Program("php", packages="php-cli", script="$under php -n $given/work.php; echo $?"),
    Program("lua", packages="lua5.4", script="$under lua5.4 $given/work.lua; echo $?"),
    Program("tcl", packages="tcl", script="$under tclsh $given/work.tcl; echo $?"),
    Program("guile", packages="guile-3.0", script='''
        $under guile-3.0 --no-auto-compile -s $given/work.scm; echo $?'''),
    Program("sbcl", packages="sbcl", script="$under sbcl --script $given/work.lisp; echo $?"),
    Program("erlang", packages="erlang-base", script='''
        cp $given/work.erl .; $under escript work.erl; echo $?'''),
    Program("ocaml", packages="ocaml-nox", script='''
        cp $given/work.ml .; $under ocaml work.ml; echo $?
        $under ocamlfind ocamlopt -version 2>&1 | wc -l; $under ocamlopt -o work work.ml
        $under ./work; echo $?
        '''),
    Program("prolog, with tcmalloc", packages="swi-prolog-nox", script='''
        $under swipl -q -f $given/work.prolog; echo $?
        ''', apart={"seep": ("^counts: (swipl.*, counted|process .* no file of its)", "tcmalloc's "
                           "operators new do not go through malloc, where the other one counts; "
                           "seep has doors for both")}),
    Program("mono", packages="mono-mcs mono-runtime", script='''
        $under mcs -out:work.exe $given/work.cs; $under mono work.exe; echo $?
        ''', vary=[("names", r"work.exe|\.(config|wapi|mono).*", "a new id each time")]),
    Program("nim", packages="nim gcc", limit_s=300, script='''
        $under nim c --hints:off --nimcache:cache -o:work $given/work.nim; $under ./work; echo $?
        ''', vary=[("names", "cache/.*|work", "times"), ("names", r"\.cache.*", "times")]),
    Program("R", packages="r-base-core", script="$under R --vanilla -s -f $given/work.R; echo $?"),
    Program("octave", packages="octave", script='''
        $under octave-cli --no-init-file --norc --no-history $given/work.m; echo $?'''),
    Program("bc, dc", packages="bc dc", script='''
        echo 'scale=200; 4*a(1); for (i = 0; i < 300; i++) x[i] = 2 ^ i; x[299]' | $under bc -l
        echo '2 1000 ^ p 97 | p' | $under dc
        '''),
    Program("gawk", packages="gawk",
            script="seq 1 20000 | $under gawk -f $given/work.awk; echo $?"),
    Program("jq", packages="jq", script='''
        seq 1 5000 | $under jq -s '[.[] | {a: ., b: (. % 7 | tostring)}] | group_by(.b)
            | map({(.[0].b): length}) | add'
        echo '{bad' | $under jq .; echo $?
        '''),
    Program("go with cgo", packages="golang-go gcc", limit_s=300, script=GO + '''
        cp $given/work.go .; $under go vet work.go; $under go build -o work work.go
        $under ./work; echo $?; rm -rf cache
        ''', vary=[("stderr", "0x[0-9a-f]+", "an address")]),
    Program("go without cgo", packages="golang-go", limit_s=300, prepare=GO + '''
        cp $given/plain.go .; CGO_ENABLED=0 go build -o plain plain.go; rm -rf cache
        ''', script="$under ./plain; echo $?"),
    Program("rust", packages="rustc gcc", limit_s=300, script='''
        $under rustc -O -C codegen-units=1 -o work $given/work.rs; $under ./work; echo $?
        echo 'fn main() { let x: u8 = "no"; }' >bad.rs; $under rustc bad.rs; echo $?
        '''),
    Program("haskell", packages="ghc", limit_s=300, script='''
        cp $given/Work.hs .; $under ghc -v0 -threaded -O0 -rtsopts -o work Work.hs
        $under ./work +RTS -N2; echo $?
        '''),
    Program("fortran", packages="gfortran", script='''
        $under gfortran -O2 -Wall -o work $given/work.f90; $under ./work; echo $?'''),
)
