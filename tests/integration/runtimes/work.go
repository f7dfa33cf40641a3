// SPDX-License-Identifier: Apache-2.0

// Calls its native part, or keeps ever more of its own objects. For test_runtimes.
package main

// #cgo LDFLAGS: -L. -l:native_part.so -Wl,-rpath,$ORIGIN
// void handle(int leaks);
import "C"

import (
	"os"
	"time"
)

var hoard [][]int

func main() {
	leaks := C.int(0)
	if os.Args[1] == "leaks" {
		leaks = 1
	}
	for turn := 0; turn < 60; turn++ {
		if os.Args[1] == "hoards" {
			objects := make([]int, 100000)
			for i := range objects {
				objects[i] = turn
			}
			hoard = append(hoard, objects)
		} else {
			C.handle(leaks)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
