//go:build linux

// Command oracle compares package pty with the kernel for a given time, in conversations
// that it makes up, and prints one that differs, shortened, as a file for testdata.
//
//	go run ./internal/oracle/cmd/oracle -time 5m
//	go run ./internal/oracle/cmd/oracle -time 5m -jobs 1     all with processes: sessions, groups, calls that wait
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/ptsns/ptsns/internal/oracle"
)

func main() {
	oracle.Main()
	limit := flag.Duration("time", time.Minute, "how long")
	seed := uint64(time.Now().UnixNano())
	flag.Func("seed", "`number` of the first conversation, or now; the next has the next (default now)", func(s string) (err error) {
		if s != "now" {
			seed, err = strconv.ParseUint(s, 10, 64)
		}
		return err
	})
	jobs := flag.Uint64("jobs", 16, "one in `n` conversations is with processes, which takes longer; 0: none")
	one := flag.Bool("one", false, "only the conversation of -seed")
	self := flag.Bool("self", false, "compare the kernel with itself, which tests this program")
	whole := flag.Bool("whole", false, "do not shorten what differs")
	flag.Parse()
	if err := run(*limit, seed, *jobs, *one, *self, *whole); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func run(limit time.Duration, seed, jobs uint64, one, self, whole bool) error {
	kernel, err := oracle.NewKernel()
	if err != nil {
		return err
	}
	defer kernel.Close()
	kernel.Looks = 2
	var ours oracle.Driver
	if self {
		other, err := oracle.NewKernel()
		if err != nil {
			return err
		}
		defer other.Close()
		ours = other
	} else {
		v := oracle.NewVirtual()
		v.Bubble = oracle.Parked
		ours = v
	}
	rounds, unsettled := 0, 0
	start := time.Now()
	fmt.Printf("from seed %d\n", seed)
	for ; time.Since(start) < limit && (!one || rounds == 0); seed++ {
		rounds++
		generate := oracle.Generate
		if jobs > 0 && seed%jobs == 0 {
			generate = oracle.GenerateJobs
		}
		d, err := oracle.Compare(kernel, ours, generate(seed))
		if err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
		if d == nil {
			continue
		}
		if !oracle.Confirm(kernel, ours, d) {
			unsettled++
			if self {
				fmt.Println(d)
			}
			continue
		}
		fmt.Printf("seed %d differs\n", seed)
		if !whole {
			d = oracle.Shrink(kernel, ours, d)
		}
		return fmt.Errorf("after %d that do not differ:\n\n%s", rounds-1, d)
	}
	took := time.Since(start)
	fmt.Printf("%d conversations alike in %v, %.0f a second; %d more differed once and not again\n",
		rounds-unsettled, took.Round(time.Second), float64(rounds)/took.Seconds(), unsettled)
	return nil
}
