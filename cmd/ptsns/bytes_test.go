package main

import "testing"

func TestParseBytes(t *testing.T) {
	for s, want := range map[string]int{"0": 0, "1": 1, "64K": 64 << 10, "1m": 1 << 20, "1G": 1 << 30, "2147483647": 1<<31 - 1} {
		if got, err := parseBytes(s); got != want || err != nil {
			t.Errorf("%q: %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "K", "-1", "1KB", "1K1", "2G", "9999999999", "1.5M", " 1"} {
		if got, err := parseBytes(s); err == nil {
			t.Errorf("%q was taken for %d", s, got)
		}
	}
}
