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
type fakeHands struct{ cfg server.VirtualConfig }

func (h fakeHands) Name() string                                         { return h.cfg.Name }
func (h fakeHands) Tap(_ pts.Caller, _ int, ptm pts.Starter) pts.Starter { return ptm }
func (h fakeHands) Refuse(string)                                        {}
func (h fakeHands) SetMounts([]string) error                             { return nil }
func (h fakeHands) Close() error                                         { return nil }

// What the parent ends is what it had in hands then: no mount joins it any more, and one
// that comes once it is gone is no part of it.
func TestEndInstance(t *testing.T) {
	loop, err := epoll.NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	var published []fakeHands
	s := &Server{system: devpts.NewSystem(devpts.Config{Generation: devpts.Multiple}), loop: loop,
		hands: make(map[*devpts.Instance]*shown), over: make(chan struct{}),
		cfg: Config{Publish: func(cfg server.VirtualConfig) (Hands, error) {
			published = append(published, fakeHands{cfg})
			return fakeHands{cfg}, nil
		}}}
	t.Cleanup(func() {
		s.leaving.Wait()
		if err := loop.Close(); err != nil {
			t.Error(err)
		}
	})
	ours, theirs := pair(t)
	defer ours.Close()
	defer theirs.Close()
	mount := func() (*mounted, error) {
		m, err := s.system.Mount(devpts.Mounter{}, "")
		if err != nil {
			t.Fatal(err)
		}
		x := &mounted{mount: m, gone: make(chan struct{})}
		return x, s.show(newConn(theirs), x, request{Request: Request{Name: "vm"}})
	}
	first, err := mount()
	if err != nil {
		t.Fatal(err)
	}
	i := first.mount.Instance()
	ending := s.handsOf(i)
	published[0].cfg.End()
	late, err := mount()
	if !errors.Is(err, unix.EBUSY) {
		t.Errorf("a mount of what is ending: %v", err)
	}
	s.unmounted(late)
	s.unmounted(first)
	second, err := mount()
	if err != nil || second.mount.Instance() != i || len(published) != 2 {
		t.Fatalf("a mount after the end: %v, published %d times", err, len(published))
	}
	s.abort(i, ending)
	select {
	case <-second.gone:
		t.Error("it went with what was there before")
	default:
	}
	s.abort(i, s.handsOf(i))
	select {
	case <-second.gone:
	default:
		t.Error("it does not go with its own")
	}
}
