package recorder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/ptsns/ptsns/cast"
)

func TestDir(t *testing.T) {
	path := t.TempDir()
	d, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	outside := filepath.Join(t.TempDir(), "outside")
	for name, to := range map[string]string{"vs1-1-20260501T120000.cast": outside, "vs1-1-20260501T120000-2.cast": path} {
		if err := os.Symlink(to, filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		namespace string
		index     int
		ms        int
		want      string
	}{
		{"vs1", 0, 0, "vs1-0-20260501T120000.cast"},
		{"vs1", 0, 1, "vs1-0-20260501T120000-2.cast"},
		{"vs1", 0, 999, "vs1-0-20260501T120000-3.cast"},
		{"vs1", 0, 1000, "vs1-0-20260501T120001.cast"},
		{"vs1", 0, 0, "vs1-0-20260501T120000-4.cast"}, // a clock that was set back
		{"vs1", 1, 0, "vs1-1-20260501T120000-3.cast"},
		{"../../etc/x\x00\n é", 2, 0, "_.._.._etc_x____-2-20260501T120000.cast"},
		{"", 3, 0, "_-3-20260501T120000.cast"},
		{"..", 4, 0, "_..-4-20260501T120000.cast"},
		{"-rf", 5, 0, "_-rf-5-20260501T120000.cast"},
		{strings.Repeat("n", 300), 6, 0, strings.Repeat("n", 100) + "-6-20260501T120000.cast"},
	}
	var names []string
	for i, tt := range tests {
		r := d.New(tt.namespace, tt.index, at(tt.ms), header, Options{Failed: func(file string, err error) { t.Error(file, err) }})
		data := fmt.Sprint("this is ", i)
		r.Output(at(tt.ms), []byte(data))
		r.End(at(tt.ms))
		wait(t, r)
		if want := filepath.Join(path, tt.want); r.File() != want {
			t.Errorf("%q %d: %q, want %q", tt.namespace, tt.index, r.File(), want)
		}
		file, err := os.ReadFile(r.File())
		if err != nil {
			t.Fatal(err)
		}
		if got := text(events(t, file), 'o'); got != data {
			t.Errorf("%q has %q, want %q", r.File(), got, data)
		}
		if info, err := os.Lstat(r.File()); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		names = append(names, tt.want)
	}
	left, err := os.ReadDir(path)
	if err != nil || len(left) != len(names)+2 {
		t.Errorf("%d files, want %d; %v", len(left), len(names)+2, err)
	}
	if _, err := os.Lstat(outside); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("through a link: %v", err)
	}
	if _, err := OpenDir(filepath.Join(path, "no")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if _, err := OpenDir(filepath.Join(path, names[0])); err == nil {
		t.Error("a file was opened as a directory")
	}
}

// The names of many terminals at once are their own, whichever makes its file first.
func TestDirAtOnce(t *testing.T) {
	d, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var g Group
	var all []*Recorder
	names := make(map[string]bool)
	for range 50 {
		r := d.New("vs1", 0, start, header, Options{Group: &g})
		names[r.File()] = true
		all = append(all, r)
	}
	for _, r := range all {
		r.End(start)
	}
	if err := g.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		file, err := os.ReadFile(r.File())
		if err != nil || !names[r.File()] {
			t.Errorf("%s: %v", r.File(), err)
			continue
		}
		sealed(t, file)
	}
	if len(names) != len(all) {
		t.Errorf("%d names", len(names))
	}
}

// What cannot be made is told, and holds up nobody.
func TestDirFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "d")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	tests := []struct {
		name   string
		before func() error
		opts   Options
		want   string
	}{
		{"a limit too small", nil, Options{MaxBytes: 1}, "a recording of at most 1 bytes has no room for its header and end"},
		{"a version", nil, Options{Version: 1}, "asciicast v1 is not written"},
		{"too many files", func() error {
			for n := range maxTries {
				if err := os.WriteFile(filepath.Join(path, fileName("vs1-0-20260501T120000", n+3)), nil, 0o600); err != nil {
					return err
				}
			}
			return nil
		}, Options{}, "file exists"},
		{"a removed directory", func() error { return os.RemoveAll(path) }, Options{}, "no such file or directory"},
	}
	for _, tt := range tests {
		if tt.before != nil {
			if err := tt.before(); err != nil {
				t.Fatal(err)
			}
		}
		var told []string
		opts := tt.opts
		opts.Failed = func(file string, err error) { told = append(told, fmt.Sprint(filepath.Base(file), " ", err)) }
		r := d.New("vs1", 0, start, header, opts)
		wait(t, r)
		r.Output(start, []byte("x"))
		r.End(start)
		if len(told) != 1 || !strings.HasPrefix(told[0], "vs1-0-20260501T120000") || !strings.Contains(told[0], tt.want) {
			t.Errorf("%s: told %q, want %q", tt.name, told, tt.want)
		}
	}
}

// Many terminals at once, whose queues are short: each recording is whole, and holds or
// names every byte.
func TestTerminalsAtOnce(t *testing.T) {
	d, err := OpenDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var g Group
	var terminals sync.WaitGroup
	const each = 300 << 10
	all := make([]*Recorder, 20)
	for i := range all {
		r := d.New("vs1", i, start, header, Options{Group: &g, MaxQueued: int64(i) << 14})
		all[i] = r
		terminals.Go(func() {
			p := make([]byte, 9+i*i*100)
			for sent := 0; sent < each; {
				n := min(len(p), each-sent)
				r.Output(at(sent>>10), p[:n])
				r.Resize(at(sent>>10), 1, 1+i)
				if sent += n; len(r.File()) == 0 {
					t.Error("no name")
				}
			}
			r.Exit(at(each>>10), i)
			r.End(at(each >> 10))
		})
	}
	terminals.Wait()
	if err := g.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, r := range all {
		file, err := os.ReadFile(r.File())
		if err != nil {
			t.Fatal(err)
		}
		sealed(t, file)
		n := 0
		events := events(t, file)
		for _, e := range events {
			missing, _ := e.Missing()
			if n += int(missing); e.Code == cast.Output {
				n += len(e.Data)
			}
		}
		if last := events[len(events)-1]; n != each || last.Code != cast.Exit || last.Data != fmt.Sprint(i) {
			t.Errorf("%d: %d bytes are there or named, want %d; the last event is %v", i, n, each, last)
		}
	}
}
