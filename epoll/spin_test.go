//go:build linux

package epoll

import "testing"

// An idle loop must never spin, and one that is asked slowly neither.
func TestSpinsOnlyInTheMiddleOfAnExchange(t *testing.T) {
	var s spinner
	for range spinAfter - 1 {
		s.soon()
	}
	if s.pays() {
		t.Error("spins after a few events that came soon")
	}
	s.soon()
	if !s.pays() {
		t.Error("does not spin though event after event comes soon")
	}
	for range 1000 {
		s.soon()
	}
	s.late()
	s.late()
	if s.pays() {
		t.Error("spins on after two events that came late")
	}
	for range 1000 { // keystrokes: three requests each, and a pause
		for range 3 {
			s.soon()
		}
		s.late()
		if s.pays() {
			t.Fatal("spins for somebody who types")
		}
	}
	s = spinner{never: true}
	for range 1000 {
		s.soon()
	}
	if s.pays() {
		t.Error("spins on the only processor")
	}
}
