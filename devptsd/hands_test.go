//go:build linux

package devptsd

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ptsns/ptsns/devpts"
	"github.com/ptsns/ptsns/epoll"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/server"
)

// fakeHands are the parent's hands without a parent.
type fakeHands struct {
	cfg    server.VirtualConfig
	closed chan struct{}
}

func (h fakeHands) Name() string                                         { return h.cfg.Name }
func (h fakeHands) Tap(_ pts.Caller, _ int, ptm pts.Starter) pts.Starter { return ptm }
func (h fakeHands) Refuse(string)                                        {}
func (h fakeHands) SetMounts([]string) error                             { return nil }
func (h fakeHands) Close() error                                         { close(h.closed); return nil }

// handServer is a server at whose mounts nobody works, and what it has published. mount adds
// one of the initial instance.
func handServer(t *testing.T) (s *Server, published func() []fakeHands, mount func() (*mounted, error)) {
	t.Helper()
	loop, err := epoll.NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	var all []fakeHands
	s = &Server{loop: loop, hands: make(map[*devpts.Instance]*shown), over: make(chan struct{}),
		cfg: Config{Publish: func(cfg server.VirtualConfig) (Hands, error) {
			all = append(all, fakeHands{cfg, make(chan struct{})})
			return all[len(all)-1], nil
		}}}
	s.system = devpts.NewSystem(devpts.Config{Generation: devpts.Multiple, Tap: s.tap})
	ours, theirs := pair(t)
	t.Cleanup(func() {
		_, _ = ours.Close(), theirs.Close() // nothing was said
		s.leaving.Wait()
		if err := loop.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, func() []fakeHands { return all }, func() (*mounted, error) {
		m, err := s.system.Mount(devpts.Mounter{}, "")
		if err != nil {
			t.Fatal(err)
		}
		x := &mounted{mount: m, gone: make(chan struct{})}
		return x, s.show(newConn(theirs), x, request{Request: Request{Name: "vm"}})
	}
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// What the parent ends is what it had in hands then: no mount joins it any more, and one
// that comes once it is gone is no part of it.
func TestEndInstance(t *testing.T) {
	s, published, mount := handServer(t)
	first, err := mount()
	if err != nil {
		t.Fatal(err)
	}
	i := first.mount.Instance()
	ending := s.handsOf(i)
	published()[0].cfg.End()
	late, err := mount()
	if !errors.Is(err, unix.EBUSY) {
		t.Errorf("a mount of what is ending: %v", err)
	}
	s.unmounted(late)
	s.unmounted(first)
	second, err := mount()
	if err != nil || second.mount.Instance() != i || len(published()) != 2 {
		t.Fatalf("a mount after the end: %v, published %d times", err, len(published()))
	}
	s.abort(i, ending)
	if isClosed(second.gone) {
		t.Error("it went with what was there before")
	}
	s.abort(i, s.handsOf(i))
	if !isClosed(second.gone) {
		t.Error("it does not go with its own")
	}
}

// An instance stays in the parent's hands as long as a terminal of it is open, which need not
// have been opened through a mount of it, unless the parent ends it.
func TestHandsKeepTerminals(t *testing.T) {
	s, published, mount := handServer(t)
	for _, end := range []bool{false, true} {
		m, err := mount()
		if err != nil {
			t.Fatal(err)
		}
		i := m.mount.Instance()
		h := s.handsOf(i)
		ptm, _, err := i.MakePair(nil, unix.O_RDWR)
		if err != nil {
			t.Fatal(err)
		}
		s.unmounted(m)
		s.leaving.Wait()
		closed := published()[len(published())-1].closed
		if isClosed(closed) || s.handsOf(i) != h {
			t.Fatalf("the last mount took the terminal along")
		}
		again, err := mount()
		if err != nil || s.handsOf(i) != h {
			t.Errorf("mounted again: %v", err)
		}
		s.unmounted(again)
		if end {
			s.abort(i, h)
			s.leaving.Wait()
			if !isClosed(closed) {
				t.Error("what was ended stays with its terminal")
			}
		}
		if err := ptm.Close(); err != nil {
			t.Error(err)
		}
		s.leaving.Wait()
		if !isClosed(closed) || s.handsOf(i) != nil {
			t.Errorf("it stays after its last terminal")
		}
	}
}
