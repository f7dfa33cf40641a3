// SPDX-License-Identifier: Apache-2.0
package main

// #include <stdlib.h>
// #include <string.h>
//
// static char *twice(const char *text)
// {
//	char *result = malloc(2 * strlen(text) + 1);
//	strcpy(result, text);
//	return strcat(result, text);
// }
import "C"

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"unsafe"
)

func main() {
	var wait sync.WaitGroup
	sums := make([]int, 8)
	for n := range sums {
		wait.Add(1)
		go func(n int) {
			defer wait.Done()
			for i := 0; i < 2000; i++ {
				text := C.CString(fmt.Sprint(i))
				twice := C.twice(text)
				sums[n] += len(C.GoString(twice))
				C.free(unsafe.Pointer(text))
				C.free(unsafe.Pointer(twice))
			}
		}(n)
	}
	wait.Wait()
	runtime.GC()
	out, err := exec.Command("echo", "from a child").Output()
	fmt.Println(sums, string(out), err)
	defer func() {
		fmt.Fprintln(os.Stderr, recover())
		os.Exit(3)
	}()
	var none *int
	fmt.Println(*none)
}
