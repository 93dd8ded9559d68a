package cast

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.cast")
	w, err := Create(path, header, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path, header, Options{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v, want ErrExist", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	w, err = Create(path, header, Options{Overwrite: true})
	if err != nil {
		t.Fatal(err)
	}
	w.Output(start, []byte("x"))
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if r, err := Verify(f, nil); err != nil || r.Events != 1 {
		t.Errorf("%+v, %v", r, err)
	}

	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, overwrite := range []bool{false, true} {
		for _, p := range []string{link, dir, filepath.Join(dir, "no", "a.cast")} {
			if _, err := Create(p, header, Options{Overwrite: overwrite}); err == nil {
				t.Errorf("Create(%q, overwrite %v) did not fail", p, overwrite)
			}
		}
	}
	if _, err := Create(filepath.Join(dir, "bad"), Header{Rows: 70000, Cols: 1}, Options{}); err == nil {
		t.Error("a size that cannot be was accepted")
	}
	if _, err := Create(filepath.Join(dir, "bad"), Header{}, Options{Version: 1}); err == nil {
		t.Error("v1 was accepted")
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(left) != 2 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

func TestDevFull(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("there is no /dev/full here: ", err)
	}
	defer f.Close()
	if _, err := NewWriter(f, header, Options{}); err == nil {
		t.Error("NewWriter did not fail")
	}
}
