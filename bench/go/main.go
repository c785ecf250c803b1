// SPDX-License-Identifier: MIT

// Go's side of bench/go.c: a worker that answers "run N" with the nanoseconds
// on the CPU that N pairs of Get and Put on a sync.Pool took.
package main

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"
)

type block struct {
	b [64]byte
}

var pool = sync.Pool{New: func() any { return new(block) }}

func pairs(n uint64) {
	for ; n > 0; n-- {
		p := pool.Get().(*block)
		pool.Put(p)
	}
}

// threadNs is precise to the microsecond.
func threadNs() int64 {
	const rusageThread = 1
	var u syscall.Rusage

	if err := syscall.Getrusage(rusageThread, &u); err != nil {
		panic(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func main() {
	var what string
	var n uint64

	runtime.LockOSThread()
	for {
		if _, err := fmt.Scanln(&what, &n); err != nil {
			return
		}
		pairs(n/8 + 1)
		start := threadNs()
		pairs(n)
		fmt.Println(threadNs() - start)
	}
}
