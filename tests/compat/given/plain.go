// SPDX-License-Identifier: Apache-2.0
package main

import (
	"fmt"
	"sync"
)

func main() {
	var wait sync.WaitGroup
	counts := make(chan int, 8)
	for i := 0; i < 8; i++ {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			kept := map[int]string{}
			for j := 0; j < 9999; j++ {
				kept[j] = fmt.Sprint(i * j)
			}
			counts <- len(kept)
		}(i)
	}
	wait.Wait()
	close(counts)
	sum := 0
	for count := range counts {
		sum += count
	}
	fmt.Println(sum)
}
