package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/ptsns/ptsns/screen"
)

// TestEverythingAtOnce has all that can happen to a terminal happen at once: output of
// all kinds, viewers who come, type, resize, steal, leave and are kicked, recordings,
// programs that follow the output or look at the screen, and in the end the end. The
// race detector and the hang are the assertion; and the screen is at last what the
// output makes of it, for whoever stayed.
func TestEverythingAtOnce(t *testing.T) {
	for _, owned := range []bool{true, false} {
		t.Run(fmt.Sprintf("owned=%v", owned), func(t *testing.T) {
			h := New(Options{Ended: func() {}, History: 16 << 10})
			s := &stress{hub: h, end: newFakeEnd()}
			s.end.winsize = [8]byte{24, 0, 80, 0}
			if owned {
				s.term, s.owner = h.Own(s.end, 0, Opener{}, true, Who{})
			} else {
				s.term = h.Tap(s.end, 0, Opener{})
			}
			s.run(t)
		})
	}
}

type stress struct {
	hub   *Hub
	end   *fakeEnd
	term  *Terminal
	owner *Viewer // nil for a tapped terminal
}

func (s *stress) run(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var actors, stayers sync.WaitGroup
	for seed := range uint64(3) {
		for _, act := range []func(context.Context, *testing.T, *rand.Rand){s.come, s.follow, s.record, s.look, s.disturb} {
			actors.Go(func() {
				for rnd := rand.New(rand.NewPCG(seed, 7)); ctx.Err() == nil; {
					act(ctx, t, rnd)
				}
			})
		}
	}
	var stayed []*watcher
	for i := range 6 {
		o := ViewerOptions{Rows: 24, Cols: 80, ReadOnly: true}
		if i >= 4 {
			o = ViewerOptions{Rows: 10, Cols: 100, ReadOnly: true, NoHistory: true}
		}
		stayed = append(stayed, watch(t, s.term, o))
	}
	finished := make(chan error, len(stayed)+1)
	for _, w := range stayed {
		stayers.Go(func() {
			finished <- w.until(context.Background())
		})
	}
	if s.owner != nil {
		w := &watcher{Viewer: s.owner, screen: screen.New(24, 80, screen.Options{})}
		stayers.Go(func() { finished <- w.until(context.Background()) })
	}
	s.print()
	cancel()
	actors.Wait()
	s.term.SetSize(24, 80)
	s.end.say("\x1b[!p\x1b[?1049l\x1b[r\x1b[H\x1b[2Jthat is all")
	if s.owner == nil {
		read(t, s.term)
	}
	s.end.hangUp()
	if s.owner == nil {
		_ = s.term.Close() // not closed before
	} else {
		s.term.Finish()
	}
	stayers.Wait()
	close(finished)
	for err := range finished {
		if err != io.EOF {
			t.Errorf("a viewer ended with %v", err)
		}
	}
	for _, w := range stayed {
		w.showsAll(t, s.term)
	}
	if n := len(s.term.Recordings()); n != 0 {
		t.Errorf("%d recordings still run", n)
	}
}

// print puts out everything there is, and has the opener of a tapped terminal read it.
func (s *stress) print() {
	rnd := rand.New(rand.NewPCG(1, 2))
	buf := make([]byte, 64<<10)
	for range 100 {
		flood := floods[rnd.IntN(len(floods))].text
		from := rnd.IntN(len(flood))
		s.end.say(flood[from:min(len(flood), from+rnd.IntN(30<<10)+1)])
		if s.owner == nil {
			_, _ = s.term.Read(buf) // as much as there is
		}
		for s.owner != nil && s.end.unread() > 2 { // so that all goes on as long as the output
			runtime.Gosched()
		}
	}
}

// come joins, and does what viewers do.
func (s *stress) come(ctx context.Context, t *testing.T, rnd *rand.Rand) {
	v, err := s.term.Join(ViewerOptions{Who: Who{Name: "guest"}, Rows: uint16(rnd.IntN(40)), Cols: uint16(rnd.IntN(120)),
		ReadOnly: rnd.IntN(3) == 0, Steal: rnd.IntN(5) == 0, NoHistory: rnd.IntN(2) == 0})
	if err != nil {
		t.Errorf("join: %v", err)
		return
	}
	defer v.Close()
	buf := make([]byte, 1+rnd.IntN(5000))
	for range rnd.IntN(20) {
		patient, cancel := context.WithTimeout(ctx, time.Millisecond)
		_, _, err := v.Next(patient, buf)
		cancel()
		switch {
		case errors.Is(err, ErrKicked):
			return
		case err != nil && patient.Err() == nil:
			t.Errorf("Next: %v", err)
		}
		switch rnd.IntN(4) {
		case 0:
			v.Resize(uint16(rnd.IntN(40)), uint16(rnd.IntN(120)))
		case 1:
			if err := v.Write(ctx, []byte("k")); err != nil && !errors.Is(err, ErrTaken) && !errors.Is(err, ErrReadOnly) && !errors.Is(err, ErrKicked) {
				t.Errorf("Write: %v", err)
			}
		}
	}
}

// follow reads the output as programs do.
func (s *stress) follow(ctx context.Context, t *testing.T, rnd *rand.Rand) {
	at := s.term.Cursor()
	for range 50 {
		patient, cancel := context.WithTimeout(ctx, time.Millisecond)
		o, err := s.term.Output(patient, at, 1+rnd.IntN(4000))
		cancel()
		if err != nil && patient.Err() == nil || o.From < at || o.Next != o.From+uint64(len(o.Data)) {
			t.Errorf("output since %d: from %d to %d with %d bytes, %v", at, o.From, o.Next, len(o.Data), err)
		}
		at = o.Next
	}
}

func (s *stress) record(ctx context.Context, t *testing.T, rnd *rand.Rand) {
	stop, err := s.term.Record(&tape{input: rnd.IntN(2) == 0})
	if err != nil {
		t.Errorf("record: %v", err)
		return
	}
	s.follow(ctx, t, rnd)
	stop()
}

// look does what ls and screen do.
func (s *stress) look(ctx context.Context, t *testing.T, rnd *rand.Rand) {
	switch rnd.IntN(6) {
	case 0:
		s.term.Snapshot()
	case 1:
		s.term.History()
	case 2:
		s.term.Title()
	case 3:
		s.term.Viewers()
		s.term.Recordings()
		s.term.Counts()
	case 4:
		s.hub.Totals()
		_, _ = s.hub.Events().Since(ctx, 0) // there are some
	default:
		patient, cancel := context.WithTimeout(ctx, time.Millisecond)
		_, _ = s.term.Await(patient, Condition{Text: "compiler"}) // it may not come
		cancel()
	}
}

// disturb changes the size, types, and sends guests away.
func (s *stress) disturb(ctx context.Context, t *testing.T, rnd *rand.Rand) {
	switch rnd.IntN(4) {
	case 0:
		s.term.SetSize(uint16(1+rnd.IntN(50)), uint16(1+rnd.IntN(200)))
	case 1:
		s.term.SetSizing([]Sizing{SizeLatest, SizeLargest, SizeSmallest}[rnd.IntN(3)])
	case 2:
		if _, err := s.term.Type(ctx, Who{}, []byte("t")); err != nil && !errors.Is(err, ErrTaken) {
			t.Errorf("Type: %v", err)
		}
	default:
		for _, v := range s.term.Viewers() {
			if v.Name == "guest" && rnd.IntN(4) == 0 {
				s.hub.Kick(v.ID) // it may have left
			}
		}
	}
}
