// SPDX-License-Identifier: MIT

// Go's side of bench/go.c: a worker, "pool SHAPE THREADS".  Each line that it
// reads, "WHAT N", is answered with a number:
//
//	run N	ns on CPUs, of one thread on average, for N rounds of the shape
//	made 0	objects that were made so far
//	cycles 0 collections so far
//	pause K	the K-th shortest pause of a thousand, of the last run of stw; ns
//
// The shapes are those of the benchmarks of package sync, in bench/shapes.c.
package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

type block struct {
	b [64]byte
}

const (
	burst        = 100
	third        = 33
	many         = 100000
	threadClock  = 3
	processClock = 2
)

var (
	made int64
	pool = sync.Pool{New: func() any {
		atomic.AddInt64(&made, 1)
		return new(block)
	}}
	mail   []unsafe.Pointer // *batch: what another thread is to put
	pauses []int64
)

type batch struct {
	p [third]*block
}

func get() *block {
	return pool.Get().(*block)
}

func pairs(_ int, n uint64) {
	for ; n > 0; n-- {
		pool.Put(get())
	}
}

func overflow(_ int, n uint64) {
	var p [burst]*block

	for ; n > 0; n-- {
		for i := range p {
			p[i] = get()
		}
		for i := range p {
			pool.Put(p[i])
		}
	}
}

func putAll(b *batch) {
	if b == nil {
		return
	}
	for i := range b.p {
		pool.Put(b.p[i])
	}
}

func starvation(me int, n uint64) {
	var p [burst]*block

	for ; n > 0; n-- {
		for i := range p {
			p[i] = get()
		}
		b := new(batch)
		copy(b.p[:], p[:third])
		next := &mail[(me+1)%len(mail)]
		putAll((*batch)(atomic.SwapPointer(next, unsafe.Pointer(b))))
		for i := third; i < burst; i++ {
			pool.Put(p[i])
		}
		putAll((*batch)(atomic.SwapPointer(&mail[me], nil)))
	}
}

// stw fills the pool, collects, and notes for how long the world stood still.
func stw(_ int, n uint64) {
	var stats debug.GCStats

	pauses = pauses[:0]
	for ; n > 0; n-- {
		objs := make([]*block, many)
		for i := range objs {
			objs[i] = get()
		}
		for i := range objs {
			pool.Put(objs[i])
		}
		runtime.GC()
		debug.ReadGCStats(&stats)
		pauses = append(pauses, stats.Pause[0].Nanoseconds())
	}
	sort.Slice(pauses, func(i, j int) bool { return pauses[i] < pauses[j] })
}

//go:noinline
func garbage() []byte {
	return make([]byte, 32<<10)
}

// expensive makes garbage, so that collections empty the pool meanwhile.
func expensive(_ int, n uint64) {
	var p [burst]*block

	for ; n > 0; n-- {
		for i := range p {
			p[i] = get()
			garbage()[0] = 1
		}
		for i := range p {
			pool.Put(p[i])
		}
	}
}

func ns(clock uintptr) int64 {
	var ts syscall.Timespec

	_, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock,
		uintptr(unsafe.Pointer(&ts)), 0)
	if err != 0 {
		panic(err)
	}
	return ts.Nano()
}

// one runs on this thread, and is timed as C's loops are.
func one(n uint64) int64 {
	pairs(0, n/8+1)
	start := ns(threadClock)
	pairs(0, n)
	return ns(threadClock) - start
}

func all(fn func(int, uint64), threads int, n uint64, clock func() int64) int64 {
	var wg sync.WaitGroup

	start := clock()
	wg.Add(threads)
	for i := 0; i < threads; i++ {
		go func(me int) {
			fn(me, n)
			wg.Done()
		}(i)
	}
	wg.Wait()
	return (clock() - start) / int64(threads)
}

func answer(shape string, threads int, what string, n uint64) int64 {
	var stats debug.GCStats
	process := func() int64 { return ns(processClock) }
	wall := func() int64 { return time.Now().UnixNano() * int64(threads) }

	switch what {
	case "made":
		return atomic.LoadInt64(&made)
	case "cycles":
		debug.ReadGCStats(&stats)
		return stats.NumGC
	case "pause":
		return pauses[n*uint64(len(pauses)-1)/1000]
	}
	switch shape {
	case "pair":
		return one(n)
	case "overflow":
		return all(overflow, threads, n, process)
	case "starvation":
		return all(starvation, threads, n, process)
	case "stw":
		return all(stw, 1, n, process)
	case "expensive":
		return all(expensive, threads, n, wall)
	}
	return all(pairs, threads, n, process)
}

func main() {
	var what string
	var n uint64

	shape := os.Args[1]
	threads, _ := strconv.Atoi(os.Args[2])
	mail = make([]unsafe.Pointer, threads)
	if shape == "pair" {
		runtime.LockOSThread()
	}
	if shape == "expensive" {
		pool.New = func() any {
			atomic.AddInt64(&made, 1)
			time.Sleep(time.Millisecond)
			return new(block)
		}
	}
	for {
		if _, err := fmt.Scanln(&what, &n); err != nil {
			return
		}
		fmt.Println(answer(shape, threads, what, n))
	}
}
