package hub_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/pty"
)

// moved is how a started read or write ended.
type moved struct {
	n   int
	err error
}

// tapStarter is a pair of this process, whose ptm is the opener's through a hub.
func tapStarter(t *testing.T) (*hub.Terminal, pts.Starter, *pty.PTS) {
	t.Helper()
	ptm, tty := pty.Open()
	term, opener := hub.New(hub.Options{Ended: func() {}}).TapStarter(ptm.End(nil).(pts.Starter), 0, hub.Opener{})
	t.Cleanup(func() {
		_ = tty.Close()
		_ = opener.Close() // the test may have done it
	})
	return term, opener, tty
}

// What reads that wait bring the opener, viewers get; what its writes take is counted.
func TestStarter(t *testing.T) {
	term, opener, tty := tapStarter(t)
	viewer, err := term.Join(hub.ViewerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan moved, 1)
	buf := make([]byte, 100)
	opener.StartRead(nil, buf, func(n int, err error) { done <- moved{n, err} })
	if _, err := io.WriteString(tty, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if got := <-done; got != (moved{7, nil}) || string(buf[:7]) != "hello\r\n" {
		t.Errorf("the opener read %v, %q", got, buf[:7])
	}
	seen := make([]byte, 100)
	if n, _, err := viewer.Next(context.Background(), seen); string(seen[:n]) != "hello\r\n" || err != nil {
		t.Errorf("the viewer got %q, %v", seen[:n], err)
	}
	opener.StartWrite(nil, []byte("typed\n"), func(n int, err error) { done <- moved{n, err} })
	if got := <-done; got != (moved{6, nil}) {
		t.Errorf("the opener wrote %v", got)
	}
	if n, err := tty.Read(buf); string(buf[:n]) != "typed\n" || err != nil {
		t.Errorf("the program read %q, %v", buf[:n], err)
	}
	if c := term.Counts(); c.In != 6 || c.Out != 7 {
		t.Errorf("counted: %+v", c)
	}

	opener.StartRead(nil, buf, func(n int, err error) { done <- moved{n, err} }) // the echo, then nothing
	<-done
	pending := opener.StartRead(nil, buf, func(n int, err error) { done <- moved{n, err} })
	pending.Interrupt()
	if got := <-done; got != (moved{0, pts.EINTR}) {
		t.Errorf("an interrupted read: %v", got)
	}
	opener.StartRead(nil, buf, func(n int, err error) { done <- moved{n, err} })
	if err := term.Close(); err != nil {
		t.Error(err)
	}
	if got := <-done; got.err == nil {
		t.Errorf("a read at the end: %v", got)
	}
}

// While a viewer has the input for itself a write that waits is taken and dropped, and so
// are later ones; then they count again.
func TestStarterLosesInput(t *testing.T) {
	term, opener, tty := tapStarter(t)
	done := make(chan moved, 1)
	much := bytes.Repeat([]byte("x\n"), 100_000)
	opener.StartWrite(nil, much, func(n int, err error) { done <- moved{n, err} })
	thief, err := term.Join(hub.ViewerOptions{Steal: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := <-done; got != (moved{len(much), nil}) {
		t.Errorf("the write under way: %v", got)
	}
	c := term.Counts()
	if c.Dropped == 0 || c.In == 0 || c.In+c.Dropped != uint64(len(much)) {
		t.Errorf("of %d bytes: %+v", len(much), c)
	}
	opener.StartWrite(nil, []byte("rm -rf\n"), func(n int, err error) { done <- moved{n, err} })
	if got := <-done; got != (moved{7, nil}) || term.Counts().Dropped != c.Dropped+7 {
		t.Errorf("a later write: %v, %+v", got, term.Counts())
	}
	thief.Close()
	rest := make(chan []byte)
	go func() { // ends with the line that says so
		var all []byte
		for buf := make([]byte, 4096); !bytes.HasSuffix(all, []byte("end\n")); {
			n, err := tty.Read(buf)
			if err != nil {
				break
			}
			all = append(all, buf[:n]...)
		}
		rest <- all
	}()
	opener.StartWrite(nil, []byte("end\n"), func(n int, err error) { done <- moved{n, err} })
	all := <-rest
	if got := <-done; got != (moved{4, nil}) || bytes.Contains(all, []byte("rm")) || len(all) != int(c.In)+4 {
		t.Errorf("afterwards: %v, and the program read %d bytes", got, len(all))
	}
}
