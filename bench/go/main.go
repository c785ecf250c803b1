// SPDX-License-Identifier: MIT

// Go's side of bench/go.c: a worker that answers "run N" with the nanoseconds
// on the CPU that N pairs of Get and Put on a sync.Pool took.
package main

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"unsafe"
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

// threadNs is what this thread has had of CPUs.
func threadNs() int64 {
	const clockThreadCputimeID = 3
	var ts syscall.Timespec

	_, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME,
		clockThreadCputimeID, uintptr(unsafe.Pointer(&ts)), 0)
	if err != 0 {
		panic(err)
	}
	return ts.Nano()
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
