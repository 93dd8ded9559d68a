package cast

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestVerifyWhole(t *testing.T) {
	for _, opts := range []Options{{}, {Version: V2}, {Version: V2, Input: true}} {
		file := sample(t, opts)
		r, err := Verify(bytes.NewReader(file), nil)
		if err != nil {
			t.Errorf("%+v: %v", opts, err)
		}
		if n := bytes.Count(file, []byte("\n")); r.Line != n || r.Events != n/2-1 {
			t.Errorf("%+v: %+v of %d lines", opts, r, n)
		}
		if !bytes.Contains(file, []byte("=end "+r.Head.String())) {
			t.Errorf("%+v: the head is not in the seal", opts)
		}
	}
}

// Every byte matters, and the line that is named is the byte's, or that of its link.
func TestVerifyEveryByte(t *testing.T) {
	for _, opts := range []Options{{}, {Version: V2}} {
		file := sample(t, opts)
		line := 1
		for i, c := range file {
			for _, flip := range []byte{1, 0x20, 0x80} {
				bad := slices.Clone(file)
				bad[i] ^= flip
				_, err := Verify(bytes.NewReader(bad), nil)
				if err == nil {
					t.Errorf("v%d: byte %d of line %d may be changed by %#x", opts.Version, i, line, flip)
					continue
				}
				var named int
				if errors.Is(err, ErrChanged) {
					if _, serr := fmt.Sscanf(err.Error(), "changed at line %d", &named); serr != nil {
						t.Error(err)
					}
					if named != line && named != line-1 {
						t.Errorf("v%d: line %d was changed, Verify says %v", opts.Version, line, err)
					}
				}
				// A seal that is none may be a line whose link was never written.
				if last := line == bytes.Count(file, []byte("\n")); line > 2 && !last && !errors.Is(err, ErrChanged) {
					t.Errorf("v%d: line %d was changed, Verify says %v", opts.Version, line, err)
				}
			}
			if c == '\n' {
				line++
			}
		}
	}
}

func TestVerifyLines(t *testing.T) {
	for _, opts := range []Options{{}, {Version: V2}} {
		lines := strings.SplitAfter(strings.TrimSuffix(string(sample(t, opts)), "\n"), "\n")
		lines[len(lines)-1] += "\n"
		check := func(what string, changed []string, line int) {
			t.Helper()
			_, err := Verify(strings.NewReader(strings.Join(changed, "")), nil)
			if want := fmt.Sprintf("changed at line %d", line); !errors.Is(err, ErrChanged) || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("v%d: %s: %v, want %q", opts.Version, what, err, want)
			}
		}
		for i := 2; i+1 < len(lines); i += 2 { // the event at line i+1 and its link
			check("event taken out", slices.Delete(slices.Clone(lines), i, i+1), i+1)
			check("event and link taken out", slices.Delete(slices.Clone(lines), i, i+2), i+1)
			check("link taken out", slices.Delete(slices.Clone(lines), i+1, i+2), i+1)
			check("event and link repeated", slices.Insert(slices.Clone(lines), i+2, lines[i:i+2]...), i+3)
			check("line put in", slices.Insert(slices.Clone(lines), i, "[0, \"o\", \"x\"]\n"), i+1)
			if i+3 < len(lines) {
				swapped := slices.Clone(lines)
				swapped[i], swapped[i+2] = swapped[i+2], swapped[i]
				check("two swapped", swapped, i+1)
			}
		}
		check("something after the seal", append(slices.Clone(lines), "\n"), len(lines)+1)
	}
}

// A cut, wherever it is, is told from a change.
func TestVerifyCut(t *testing.T) {
	for _, opts := range []Options{{}, {Version: V2}} {
		file := sample(t, opts)
		whole, line, n := 0, 0, 0 // bytes and lines up to the last link
		for i := range file {
			if i > 0 && file[i-1] == '\n' {
				if n++; n%2 == 0 {
					whole, line = i, n
				}
			}
			r, err := Verify(bytes.NewReader(file[:i]), nil)
			switch {
			case n == 0:
				if !errors.Is(err, ErrFormat) {
					t.Errorf("cut after %d bytes: %v", i, err)
				}
			case whole == 0:
				if !errors.Is(err, ErrNoChain) {
					t.Errorf("cut after %d bytes: %v", i, err)
				}
			default:
				want := fmt.Sprintf("ends without its seal after line %d", line)
				if !errors.Is(err, ErrUnsealed) || err.Error() != want || r.Line != line {
					t.Errorf("cut after %d bytes: %v, want %q", i, err, want)
				}
			}
		}
	}
}

func TestVerifyHead(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b, header, Options{})
	if err != nil {
		t.Fatal(err)
	}
	first := w.Head()
	w.Output(at(1), []byte("one"))
	middle := w.Head()
	w.Output(at(2), []byte("two"))
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	crashed := bytes.Clone(b.Bytes())
	last := w.Head()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for line, head := range map[int]Head{2: first, 4: middle, 6: last} {
		if r, err := Verify(bytes.NewReader(b.Bytes()), &head); err != nil || r.Kept != line {
			t.Errorf("%+v, %v; want line %d", r, err, line)
		}
		back, err := ParseHead(head.String())
		if err != nil || back != head {
			t.Errorf("ParseHead: %v, %v", back, err)
		}
	}
	if _, err := Verify(bytes.NewReader(b.Bytes()), &Head{}); !errors.Is(err, ErrOtherHead) {
		t.Errorf("another head: %v", err)
	}
	if r, err := Verify(bytes.NewReader(crashed), &last); !errors.Is(err, ErrUnsealed) || r.Kept != 6 {
		t.Errorf("of a recorder that died: %+v, %v", r, err)
	}
	if _, err := Verify(bytes.NewReader(crashed[:len(crashed)-30]), &last); !errors.Is(err, ErrUnsealed) || !strings.Contains(err.Error(), "before the head") {
		t.Errorf("cut before the head: %v", err)
	}
	for _, s := range []string{"", "00", strings.Repeat("0", 63), strings.Repeat("x", 64), strings.Repeat("0", 66)} {
		if _, err := ParseHead(s); err == nil {
			t.Errorf("ParseHead(%q) did not fail", s)
		}
	}
}

func TestVerifyOthers(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	tests := []struct {
		name, file string
		want       error
	}{
		{"empty", "", ErrFormat},
		{"text", "hello\nworld\n", ErrFormat},
		{"v1", `{"version":1,"width":80,"height":24,"stdout":[]}` + "\n", ErrFormat},
		{"long first line", long, ErrFormat},
		{"unchained v2", `{"version":2,"width":80,"height":24}` + "\n[1, \"o\", \"x\"]\n", ErrNoChain},
		{"unchained v3", string(sample(t, Options{NoChain: true})), ErrNoChain},
		{"long line", strings.Join(strings.SplitAfter(string(sample(t, Options{})), "\n")[:2], "") + long + "\n", ErrTooLong},
	}
	for _, tt := range tests {
		if _, err := Verify(strings.NewReader(tt.file), nil); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}
