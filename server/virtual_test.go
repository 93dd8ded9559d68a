//go:build linux

package server

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/pty"
)

// Recordings go by absolute names, however the directory was called, whoever asks.
func TestVirtualRecordDir(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(filepath.Dir(dir))
	for asker, path := range map[int]string{0: filepath.Base(dir), os.Getpid(): dir} {
		v, err := NewVirtual(VirtualConfig{Name: "vs1", RecordDir: path, RecordAsker: asker})
		if err != nil {
			t.Fatal(err)
		}
		ptm, tty := pty.Open()
		term, _ := v.Hub().Own(ptm.End(nil), 0, hub.Opener{}, false, hub.Who{})
		files := term.Recordings()
		if len(files) != 1 || filepath.Dir(files[0]) != dir {
			t.Errorf("asked by %d it records into %q, want one in %s", asker, files, dir)
		}
		_ = tty.Close() // nothing was written
		v.Close()
		for _, f := range files {
			if _, err := os.Stat(f); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := NewVirtual(VirtualConfig{Name: "vs1", RecordDir: filepath.Join(dir, "none")}); !os.IsNotExist(err) {
		t.Errorf("a directory that is not there: %v", err)
	}
}
