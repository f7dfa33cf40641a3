# SPDX-License-Identifier: Apache-2.0
"""compilers: what makes programs, and what looks into them."""

from listed_program import Program

CMAKE = '''
cmake_minimum_required(VERSION 3.20)
project(small C)
add_executable(small small.c)
enable_testing()
add_test(NAME runs COMMAND small)
'''
MAKEFILE = r'''
all: 1.o 2.o 3.o 4.o 5.o 6.o
	cat $^ >$@; wc -l all
%.o: ; @sleep 0.01; seq 1 $* >$@
bad:
	false
'''

PROGRAMS = (
    Program("gcc", is_quick=True, packages="gcc libc6-dev", script=r'''
        $under gcc -O2 -Wall -Wextra -g -c $given/small.c; $under gcc -o small small.o
        ./small; echo $?; echo 'int f( { }' >bad.c; $under gcc -c bad.c; echo $?
        $under gcc -pipe -O1 -flto -frandom-seed=1 -o lto $given/small.c; ./lto x
        echo $?
        '''),
    Program("g++", packages="g++", script='''
        $under g++ -std=c++17 -O1 -g -pthread -o work $given/work.cc; $under ./work; echo $?'''),
    Program("clang", is_quick=True, packages="clang", script='''
        $under clang -O2 -Weverything -c $given/small.c; $under clang -o small small.o; ./small
        echo $?; $under clang -O1 -S -emit-llvm -o - $given/small.c
        echo 'int f( {' >bad.c; $under clang -c bad.c; echo $?
        '''),
    Program("clang++", packages="clang g++", script='''
        $under clang++ -std=c++17 -O2 -pthread -o work $given/work.cc; $under ./work; echo $?'''),
    Program("binutils", is_quick=True, packages="binutils gcc", script='''
        gcc -g -c $given/small.c; ar rcD liba.a small.o; ranlib -D liba.a; gcc -o a small.o
        $under objdump -d -S small.o; $under readelf -aW small.o; nm a; size a; strings a | sort
        $under ld -r -o r.o small.o; $under objcopy --only-keep-debug a d; strip -o s a; ./s
        addr2line -fe small.o 0; c++filt _ZNSt6vectorIiSaIiEE9push_backEOi
        echo '.long 1' | as -o as.o
        '''),
    Program("make", is_quick=True, packages="make", prepare="cat >Makefile <<'END'%sEND\n"
            % MAKEFILE, script='''
        $under make -s -j3; $under make bad; echo $?; $under make -n -B | sort; make -q; echo $?
        '''),
    Program("cmake", is_quick=True, packages="cmake ninja-build gcc",
            prepare="cp $given/small.c .; cat >CMakeLists.txt <<'END'%sEND\n" % CMAKE, script='''
        $under cmake -G Ninja -B b; $under ninja -C b; (cd b; $under ctest)
        rm -r b/Testing; b/small; echo $?
        ''', vary=[("stdout", r"\d+\.\d+ ?s(ec)?\b", "how long it took")]),
    Program("meson", packages="meson ninja-build gcc", prepare='''
        cp $given/small.c .
        echo "project('small', 'c')" >meson.build
        echo "executable('small', 'small.c', dependencies: dependency('threads'))" >>meson.build
        ''', script='''
        $under meson setup b; ninja -C b; b/small; echo $?
        '''),
    Program("nasm", packages="nasm binutils", script=r'''
        printf 'global _start\nsection .text\n_start: mov eax, 60\nmov edi, 7\nsyscall\n' >a.asm
        $under nasm -f elf64 -g -l a.lst a.asm; ld -o a a.o; $under ./a; echo $?
        $under nasm -f bin a.asm; echo $?
        '''),
    Program("flex, bison, m4", packages="flex bison gcc m4", script=r'''
        printf '%%%%\n[0-9]+ ;\n.|\\n ECHO;\n%%%%\nint yywrap(void) { return 1; }\n' >a.l
        printf 'int main(void) { return yylex(); }\n' >>a.l; $under flex -o a.c a.l
        printf '%%token N\n%%%%\ns: | s N;\n%%%%\n' >a.y; $under bison -Wall -o y.c a.y
        gcc -o a a.c; echo a1b22 | ./a; echo 'define(x, `<$1>'"')x(4)x(eval(3**9))" | $under m4
        '''),
    Program("protoc", packages="protobuf-compiler", script='''
        $under protoc -I $given --cpp_out=. --python_out=. $given/message.proto
        echo 'children { text: "x" } numbers { key: "k" value: 3 }' |
            $under protoc -I $given --encode=Tree $given/message.proto | od -c
        '''),
    Program("valgrind", packages="valgrind gcc", script='''
        gcc -g -O0 -o small $given/small.c
        $under valgrind -q --leak-check=full --error-exitcode=5 ./small; echo $?
        ''', vary=[("stderr", r"==\d+==|0x[0-9A-F]+", "the pid, and addresses")]),
    Program("gdb", is_quick=True, packages="gdb gcc", script='''
        gcc -g -O0 -o small $given/small.c
        $under gdb -nx -batch -ex 'break twice' -ex run -ex bt -ex 'print x' -ex finish \\
            -ex continue ./small
        ''', vary=[
            ("stdout", r"\(process \d+\)", "a pid"),
            ("stdout", r"0x7ff[0-9a-f]+", "where the stack is: the environment is larger")]),
    Program("strace", is_quick=True, packages="strace", script='''
        $under strace -f -qq -e trace=execve /bin/sh -c 'cat /etc/hostname >copy; exit 3'; echo $?
        ''', vary=[("stderr", r"\[pid +\d+\]|0x[0-9a-f]+ /\* \d+ vars \*/", "pids and the size of "
                    "the environment"), ("stderr", r"strace: Process \d+ attached\n|"
                                         r"--- SIGCHLD.*\n", "pids")]),
    Program("ltrace", packages="ltrace gcc", script='''
        gcc -g -O0 -o small $given/small.c; $under ltrace -o log -e strcpy ./small; echo $?; cat log
        ''', vary=[("stdout", r"0x[0-9a-f]+", "addresses")]),
    Program("elfutils", packages="elfutils gcc", script='''
        gcc -g -O0 -o small $given/small.c; $under eu-readelf -w small | cksum; eu-size small
        $under eu-addr2line -f -e small main; eu-elflint --gnu-ld small
        '''),
)
