//go:build linux

package epoll

import (
	"testing"
	"time"
)

// An idle loop must never spin, and one that is asked slowly neither.
func TestSpinsOnlyInTheMiddleOfAnExchange(t *testing.T) {
	var s spinner
	now := time.Now()
	requests := func(n int, gap time.Duration) {
		for range n {
			now = now.Add(gap)
			s.request(now)
		}
	}
	requests(1, time.Hour)
	requests(spinAfter-1, soonTime/2)
	if s.pays() {
		t.Error("spins after a few requests that came soon")
	}
	requests(1, soonTime/2)
	if !s.pays() {
		t.Error("does not spin though request after request comes soon")
	}
	requests(1000, soonTime/2)
	s.late()
	s.late()
	if s.pays() {
		t.Error("spins on after it found nothing twice")
	}
	requests(1000, soonTime/2)
	for range 1000 { // keystrokes: a few requests each, and a pause
		requests(1, 100*time.Millisecond)
		requests(3, soonTime/2)
	}
	if s.pays() {
		t.Error("spins for somebody who types")
	}
	requests(1000, soonTime/2)
	requests(10, 4*soonTime)
	if s.pays() {
		t.Error("spins for a program that prints")
	}
	s = spinner{never: true}
	requests(1000, soonTime/2)
	if s.pays() {
		t.Error("spins on the only processor")
	}
}
