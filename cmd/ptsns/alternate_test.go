package main

import "testing"

func TestAlternate(t *testing.T) {
	for _, tt := range []struct {
		output string
		want   bool
	}{
		{"", false},
		{"text\x1b[?1049h\x1b[Hmore", true},
		{"\x1b[?1049h\x1b[31;1m\x1b]0;t\x1b\\", true},
		{"\x1b[?1049h\x1b[?25l\x1b[?1049l", false},
		{"\x1b[?47h", true},
		{"\x1b[?1;1047;25hx", true},
		{"\x1b[?1;1049;25lx", false},
		{"\x1b[?1049h\x1bc", false},
		{"\x1b[1049h", false},
		{"\x1b[?1049$p", false},
		{"\x1b[?10\x1b[?49h", false},
		{"\x1b[?99999999999999999999991049h", false},
	} {
		for cut := range len(tt.output) + 1 {
			var a alternate
			a.note([]byte(tt.output[:cut]))
			a.note([]byte(tt.output[cut:]))
			if a.on != tt.want {
				t.Errorf("%q, cut at %d: %v, want %v", tt.output, cut, a.on, tt.want)
			}
		}
	}
}
