//go:build linux

package parent

import "testing"

func TestDefaultOptions(t *testing.T) {
	if got, want := defaultOptions(true), "newinstance,mode=620,gid=5,ptmxmode=666,max=1024"; got != want {
		t.Errorf("with the group: %q, want %q", got, want)
	}
	if got, want := defaultOptions(false), "newinstance,mode=620,ptmxmode=666,max=1024"; got != want {
		t.Errorf("without: %q, want %q", got, want)
	}
}

func TestMapHas(t *testing.T) {
	tests := []struct {
		table string
		want  bool
	}{
		{"         0          0 4294967295\n", true},
		{"0 1000 1\n", false},
		{"0 1000 1\n1 100000 65536\n", true},
		{"0 0 5\n", false},
		{"5 9 1\n", true},
		{"6 9 4294967295\n", false},
		{"", false},
		{"x y z\n", false},
	}
	for _, tt := range tests {
		if got := mapHas(tt.table, 5); got != tt.want {
			t.Errorf("mapHas(%q, 5) = %v, want %v", tt.table, got, tt.want)
		}
	}
}
