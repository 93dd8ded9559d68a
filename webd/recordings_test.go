package webd

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestRecordings(t *testing.T) {
	top := t.TempDir()
	dir := filepath.Join(top, "casts")
	write := func(name, text string, age time.Duration) {
		t.Helper()
		path := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write("secret.cast", "secret", 0)
	write("casts/old.cast", "old", time.Hour)
	write("casts/new one.cast", "new", 0)
	write("casts/.hidden.cast", "hidden", 0)
	write("casts/notes.txt", "notes", 0)
	write("casts/deep/deeper.cast", "deeper", 0)
	for link, target := range map[string]string{"out.cast": "../secret.cast", "far.cast": "/etc/passwd", "up.cast": ".."} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Mkfifo(filepath.Join(dir, "fifo.cast"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "dir.cast"), 0o700); err != nil {
		t.Fatal(err)
	}
	d := openDoor(t, func(c *Config) { c.Recordings = dir })
	var list []listedRecording
	_, body := d.ask("/api/recordings", asked{})
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list) != 2 || list[0].Name != "new one.cast" || list[1].Name != "old.cast" || list[1].Size != 3 {
		t.Errorf("the list: %v, %s", err, body)
	}
	resp, body := d.ask("/api/recordings/new%20one.cast", asked{})
	if resp.StatusCode != http.StatusOK || body != "new" || resp.Header.Get("Content-Type") != "application/x-asciicast" {
		t.Errorf("a recording: status %d, %q, %v", resp.StatusCode, body, resp.Header)
	}
	for _, name := range []string{"secret.cast", "..%2fsecret.cast", "%2e%2e%2fsecret.cast", "..%5csecret.cast", "out.cast", "far.cast", "up.cast",
		"fifo.cast", "dir.cast", ".hidden.cast", "notes.txt", "deep%2fdeeper.cast", "%2fetc%2fpasswd", "none.cast", "a%00.cast"} {
		if resp, body := d.ask("/api/recordings/"+name, asked{}); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, %q", name, resp.StatusCode, body)
		}
	}
	for _, method := range []string{"PUT", "POST", "DELETE"} {
		if got, _ := d.status("/api/recordings/old.cast", asked{method: method}); got == http.StatusOK {
			t.Errorf("%s: status %d", method, got)
		}
	}
}

func TestNoRecordings(t *testing.T) {
	d := openDoor(t, nil)
	if resp, body := d.ask("/api/recordings", asked{}); resp.StatusCode != http.StatusOK || body != "[]\n" {
		t.Errorf("the list: status %d, %q", resp.StatusCode, body)
	}
	if got, _ := d.status("/api/recordings/a.cast", asked{}); got != http.StatusNotFound {
		t.Errorf("a recording: status %d", got)
	}
	if err := (Config{Recordings: filepath.Join(t.TempDir(), "none")}).Check(); err == nil {
		t.Error("a directory that is not there: no error")
	}
}
