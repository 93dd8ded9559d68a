package recorder

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ptsns/ptsns/cast"
)

// What a thousand recorded terminals keep that have had something to say, and say
// nothing now.
func TestIdleIsSmall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		d, err := OpenDir(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		var group Group
		opts := Options{Group: &group, Failed: func(file string, err error) { t.Error(file, err) }}
		chunk := []byte(strings.Repeat("0123456789", 50<<10/10))
		all := make([]*Recorder, 0, n)
		before, goroutines := memory(), runtime.NumGoroutine()
		for i := range n {
			r := d.New("vs1", i, time.Now(), cast.Header{}, opts)
			r.Output(time.Now(), chunk)
			all = append(all, r)
		}
		time.Sleep(flushAfter)
		synctest.Wait()
		each := (memory() - before) / n
		t.Logf("%d bytes each", each)
		if each > 8<<10 {
			t.Errorf("%d bytes each, want less than 8 KiB", each)
		}
		if got := runtime.NumGoroutine(); got > goroutines {
			t.Errorf("%d goroutines, %d before", got, goroutines)
		}
		for _, r := range all {
			r.End(time.Now())
		}
		if err := group.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// memory is what is in use of heap and stacks, without what is only kept for others.
func memory() int64 {
	for range 3 { // pools let go at the second
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// The real asciinema shows what we record. Debian's is 2.x, which reads no v3.
func TestAsciinemaPlays(t *testing.T) {
	version, err := exec.Command("asciinema", "--version").Output()
	need(t, err, "asciinema")
	for _, v := range []cast.Version{cast.V2, cast.V3} {
		if v == cast.V3 && strings.Contains(string(version), " 2.") {
			t.Logf("%s reads no v3", strings.TrimSpace(string(version)))
			continue
		}
		path := filepath.Join(t.TempDir(), "a.cast")
		r, err := New(path, header, Options{Version: v, Input: true})
		if err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		for i := range 100 {
			line := fmt.Sprintf("\x1b[3%dm%d größe 端末 \x07\r\n", i%8, i)
			want.WriteString(line)
			r.Output(at(10*i), []byte(line))
			r.Input(at(10*i), []byte("x"))
			r.Resize(at(10*i), 10, 10+i)
		}
		r.Exit(at(1000), 1)
		r.End(at(1000))
		wait(t, r)
		cmd := exec.Command("asciinema", "play", "-s", "1000000", path)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "ASCIINEMA_CONFIG_HOME="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want.String() {
			t.Errorf("v%d: %v, asciinema shows %q, want %q", v, err, out, want.String())
		}
	}
}
