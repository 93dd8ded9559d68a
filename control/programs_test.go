package control

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
)

// The statuses of the last programs that ended are remembered, the terminals of fewer, and
// of all that run both.
func TestProgramsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ps := new(programs)
		var all []*fakeProcess
		var terminals []*fakeTerminal
		for i := range keptPrograms + 10 {
			p, term := newFakeProcess(), newFakeTerminal()
			all, terminals = append(all, p), append(terminals, term)
			ps.add(ref{i % 3, 100 + i, fmt.Sprint("s-", i)}, p, term) // indices are used again
		}
		running := ps.find(ref{index: -1, pid: 105})
		for i := range all {
			if i == 5 {
				continue // runs on
			}
			all[i].code <- i
			synctest.Wait()
			if e := ps.find(ref{index: -1, pid: 100 + i}); e == nil || ps.terminalOf(ref{index: -1, serial: fmt.Sprint("s-", i)}) == nil {
				t.Fatalf("program %d is forgotten before its terminal has ended", i)
			}
			close(terminals[i].done)
			synctest.Wait()
		}
		last := len(all) - 1
		for i := range all {
			s, term := ps.find(ref{index: i % 3, pid: 100 + i}), ps.terminalOf(ref{index: i % 3, pid: 100 + i})
			if i == 5 {
				if s != running || term != terminal(terminals[5]) {
					t.Error("a program that runs is forgotten")
				}
				continue
			}
			if got, want := s != nil, i > last-keptPrograms; got != want {
				t.Errorf("program %d is remembered: %v, want %v", i, got, want)
			}
			if got, want := term != nil, i > last-keptTerminals; got != want {
				t.Errorf("the terminal of program %d is remembered: %v, want %v", i, got, want)
			}
		}
		s := ps.find(ref{index: last % 3})
		if code, err := s.Wait(t.Context()); s.pid != 100+last || code != last || err != nil {
			t.Errorf("the last on %d is %d, which ended with %d, %v", last%3, s.pid, code, err)
		}
		if err := s.Signal(syscall.SIGHUP); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("signal for one that has ended: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := running.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("waiting for one that runs: %v", err)
		}
		all[5].code <- 0
		close(terminals[5].done)
		synctest.Wait()
	})
}
