//go:build linux

// Package bench measures ways to open terminals against each other: the kernel's
// own, those that a process inside a tapped namespace gets, those of a virtual instance
// that is mounted, and the virtual ones of package pty, for which there is no kernel.
//
// The ends of a pair of the first three are in two processes, as in life: this process
// has the ptm, a peer (see Serve) the pts, and where a server is behind them it is a third.
// Both make plain blocking reads and writes, and nothing is pinned to a processor. The
// ends of a virtual pair are in this process, as in life: a goroutine has the one, a
// goroutine the other, and both make blocking reads and writes. Every slice opens a new pair and, for two processes, starts a new
// peer, runs the work for a while unmeasured and then for the slice's time. The
// contenders take turns, A B, then B A, so that a machine that grows slower or
// faster does so for all. A figure is the median of its rounds.
//
// The figures:
//
//	raw_mbps          pts to ptm, raw: writes and reads of 64 KiB
//	opost_lines_mbps  pts to ptm with OPOST and ONLCR: lines of 80 bytes, a write
//	                  each, and reads of 64 KiB; counted as they arrive, 81 bytes each
//	canon_mbps        ptm to pts, a fresh pair's termios without ECHO: lines of 80
//	                  bytes, written 64 KiB at a time and read one by one
//	canon_echo_mbps   the same with ECHO, what is echoed being read from the ptm at
//	                  the same time; only what arrives at the pts counts
//	echo_rtt_us       one byte written to the ptm until a thread that waits in a read of
//	                  it, as every terminal's user does, has the echo; the pts raw
//	                  but for ECHO and open; the median of the slice
//	echo_turns_us     the same with one thread that writes and only then reads, so that
//	                  the kernel often has the echo before anybody waits; of a virtual pair
//	                  one goroutine, that always finds it there
//	open_close_per_s  ptmx opened, unlocked, asked for its index, the pts opened,
//	                  both closed
//	idle_pair_bytes   memory of an open pair with nothing in it, from 1,000 of them:
//	                  what the kernel's slab, vmalloc, stack and page table sums in
//	                  /proc/meminfo grow by, and, where a server serves the
//	                  terminals, its resident memory, counted from before the first; of a
//	                  virtual pair what the heap grows by
//
// MB are 10^6 bytes. In a ratio above 1 the contender does better than the kernel,
// whatever the unit.
//
// The package has no lock. Measure is one run at a time; a second one beside it
// only makes both worthless.
package bench

import (
	"fmt"
	"slices"
	"time"
)

// Contender is a way to open terminals: an *Instance, or Virtual.
type Contender interface {
	// Name is "kernel", "tap" and the like.
	Name() string
}

// opener is a contender whose terminals are files.
type opener interface {
	Contender
	// Open opens a pair, both ends blocking, close-on-exec, and nobody's
	// controlling terminal. The descriptors are the caller's to close.
	Open() (ptm, pts int, err error)
	// serverPID is the process behind the terminals, 0 without one.
	serverPID() int
}

// Options are how to measure.
type Options struct {
	Rounds int           // slices of each contender, at least 1
	Time   time.Duration // how long a slice is measured
	Only   []string      // figures to measure; all when empty
	Peer   []string      // command line of a process that calls Serve
}

// Sample is what one slice gave.
type Sample struct {
	Contender string  `json:"contender"`
	Figure    string  `json:"figure"`
	Value     float64 `json:"value"`
}

// figure is one thing that is measured.
type figure struct {
	name       string
	unit       string
	lessIsMore bool
	measure    func(slice) (float64, error) // of an opener
	virtual    func(slice) (float64, error)
}

// figures are all of them, in the order in which they are measured and shown. Idle
// pairs come first: later a server has grown for other reasons.
var figures = []figure{
	{"idle_pair_bytes", "B", true, measureIdle, virtualIdle},
	{"raw_mbps", "MB/s", false, measureRaw, virtualRaw},
	{"opost_lines_mbps", "MB/s", false, measureLines, virtualLines},
	{"canon_mbps", "MB/s", false, measureCanon, virtualCanon},
	{"canon_echo_mbps", "MB/s", false, measureCanonEcho, virtualCanonEcho},
	{"echo_rtt_us", "us", true, measureEcho, virtualEcho},
	{"echo_turns_us", "us", true, measureTurns, virtualTurns},
	{"open_close_per_s", "/s", false, measureOpenClose, virtualOpenClose},
}

// Figures are the names of all figures, in the order in which they are measured.
func Figures() []string {
	var names []string
	for _, f := range figures {
		names = append(names, f.name)
	}
	return names
}

// CheckFigures tells which of names is no figure.
func CheckFigures(names []string) error {
	for _, name := range names {
		if !slices.Contains(Figures(), name) {
			return fmt.Errorf("no figure %q; there are %q", name, Figures())
		}
	}
	return nil
}

// Total is how many samples Measure gives for n contenders.
func (o Options) Total(n int) int {
	if len(o.Only) > 0 {
		return n * o.Rounds * len(o.Only)
	}
	return n * o.Rounds * len(figures)
}

// Measure measures the contenders and hands over each sample as it comes. It ends
// at the first error. It blocks for about Total times o.Time, and forever where a
// contender never answers.
func Measure(contenders []Contender, o Options, take func(Sample) error) error {
	servers, err := newServerMemories(contenders)
	if err != nil {
		return err
	}
	for _, f := range figures {
		if len(o.Only) > 0 && !slices.Contains(o.Only, f.name) {
			continue
		}
		for round := range o.Rounds {
			turn := slices.Clone(contenders)
			if round%2 == 1 {
				slices.Reverse(turn)
			}
			for _, c := range turn {
				s, measure := slice{time: o.Time, peer: o.Peer}, f.virtual
				if c, ok := c.(opener); ok {
					s.contender, s.server, measure = c, servers[c.serverPID()], f.measure
				}
				value, err := measure(s)
				if err != nil {
					return fmt.Errorf("measure %s of %s: %w", f.name, c.Name(), err)
				}
				if err := take(Sample{c.Name(), f.name, value}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
