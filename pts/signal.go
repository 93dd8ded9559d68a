package pts

import "strings"

// Signal is a signal that a terminal sends, by Linux's number on every OS.
type Signal uint8

const (
	SIGHUP   Signal = 1
	SIGINT   Signal = 2
	SIGQUIT  Signal = 3
	SIGCONT  Signal = 18
	SIGTSTP  Signal = 20
	SIGTTIN  Signal = 21
	SIGTTOU  Signal = 22
	SIGWINCH Signal = 28
)

var signalNames = map[Signal]string{
	SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGCONT: "SIGCONT",
	SIGTSTP: "SIGTSTP", SIGTTIN: "SIGTTIN", SIGTTOU: "SIGTTOU", SIGWINCH: "SIGWINCH",
}

// String is the signal's name, as in "SIGHUP".
func (s Signal) String() string {
	if name, ok := signalNames[s]; ok {
		return name
	}
	return "signal " + itoa(int(s))
}

// Signals is a set of signals: several of one kind that nobody has seen yet are one,
// as they are for a process.
type Signals uint32

// Has tells whether s is in the set.
func (set Signals) Has(s Signal) bool { return set&(1<<s) != 0 }

// Add puts s into the set.
func (set *Signals) Add(s Signal) { *set |= 1 << s }

// All yields the signals in the order of their numbers, SIGCONT after SIGHUP.
func (set Signals) All(yield func(Signal) bool) {
	for s := Signal(1); s < 32; s++ {
		if set.Has(s) && !yield(s) {
			return
		}
	}
}

// String is the names joined by "|", "0" for the empty set.
func (set Signals) String() string {
	var names []string
	for s := range set.All {
		names = append(names, s.String())
	}
	if len(names) == 0 {
		return "0"
	}
	return strings.Join(names, "|")
}
