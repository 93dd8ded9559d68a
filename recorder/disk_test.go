package recorder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ptsns/ptsns/cast"
)

// hung is a disk whose writes end only when somebody lets them.
type hung struct {
	bytes.Buffer
	let chan struct{}
}

func (h *hung) Write(p []byte) (int, error) {
	<-h.let
	return h.Buffer.Write(p)
}

// newHung is a hung disk that takes the header.
func newHung() *hung {
	h := &hung{let: make(chan struct{}, 1)}
	h.let <- struct{}{}
	return h
}

// A disk that hangs holds up nobody. What there is no room for is missing where the
// recording says so, and nothing else is; what follows is there again.
func TestHungDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lost []string
		h := newHung()
		r := over(t, h, Options{MaxQueued: 1 << 20, Input: true, Lost: func(file string, n int64) { lost = append(lost, fmt.Sprint(file, " ", n)) }})
		sent := 0
		send := func(n int) { // lines that tell where they were
			for ; n > 0; n-- {
				line := fmt.Appendf(nil, "%09d\n", sent)
				sent += len(line)
				r.Output(at(sent/1000), line)
			}
		}
		for range 2 {
			send(20_000) // more than is written before the disk is asked, less than the bound
			synctest.Wait()
			send(180_000)
			r.Resize(at(sent/1000), 1, 1)
			r.Input(at(sent/1000), []byte("yes"))
			r.Resize(at(sent/1000), 50, 100)
			if got := r.queue.blocks; got != r.queue.max {
				t.Errorf("%d blocks are queued, the bound is %d", got, r.queue.max)
			}
			for range 8 { // not yet enough room
				h.let <- struct{}{}
				synctest.Wait()
			}
			send(1)
			for r.busy() {
				h.let <- struct{}{}
				synctest.Wait()
			}
			send(1)
		}
		r.Exit(at(sent/1000), 3)
		r.End(at(sent / 1000))
		close(h.let)
		wait(t, r)

		all := events(t, h.Bytes())
		gaps, next := []string{}, 0
		var missing int
		for i, e := range all {
			switch e.Code {
			case cast.Marker:
				gaps = append(gaps, e.Data)
				n, ok := e.Missing()
				if !ok || !strings.Contains(e.Data, " and 3 of input ") {
					t.Errorf("%q", e.Data)
				}
				missing += int(n)
				next += int(n)
				if all[i+1].Data != "100x50" {
					t.Errorf("after the gap: %v", all[i+1])
				}
			case cast.Output:
				for rest := e.Data; rest != ""; {
					want := fmt.Sprintf("%09d\n", next/10*10)[next%10:]
					want = want[:min(len(want), len(rest))]
					if !strings.HasPrefix(rest, want) {
						t.Fatalf("at byte %d is %.10q, want %q", next, rest, want)
					}
					rest = rest[len(want):]
					next += len(want)
				}
			}
		}
		if next != sent || missing == 0 || len(gaps) != 2 {
			t.Errorf("%d of %d bytes are there or known to be missing, in %q", next, sent, gaps)
		}
		if last := all[len(all)-1]; last.Code != cast.Exit || last.Data != "3" {
			t.Errorf("the last is %v", last)
		}
		if len(lost) != 1 || !strings.HasPrefix(lost[0], "fake.cast ") {
			t.Errorf("told %q, want one report", lost)
		}
		sealed(t, h.Bytes())
	})
}

// busy tells whether something is to be written.
func (r *Recorder) busy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.work != idle
}

// A terminal that ends in a gap has it told, and its exit.
func TestEndInGap(t *testing.T) {
	for _, events1 := range []bool{false, true} {
		h := newHung()
		r := over(t, h, Options{MaxQueued: 1})
		for range 10 {
			r.Output(at(0), make([]byte, blockSize))
		}
		for i := range 10 * blockItems {
			if events1 {
				r.Resize(at(1), 1, 1+i)
			}
		}
		r.Exit(at(2), 9)
		if r.queue.blocks != 2 {
			t.Errorf("%d blocks", r.queue.blocks)
		}
		r.End(at(3))
		close(h.let)
		wait(t, r)
		got := show(events(t, h.Bytes()))
		want := []string{"0s m 131072 bytes of output are missing here: the recorder fell behind", "1ms r 640x1", "2ms x 9"}
		if !events1 {
			want = []string{want[0], want[2]}
		}
		if diff := cmp.Diff(want, got[2:]); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		sealed(t, h.Bytes())
	}
}

// full is a disk with so much room.
type full struct {
	bytes.Buffer
	room int
}

func (f *full) Write(p []byte) (int, error) {
	n, _ := f.Buffer.Write(p[:min(len(p), f.room)])
	if f.room -= n; n < len(p) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

func (f *full) Seek(int64, int) (int64, error) { return int64(f.Len()), nil }

func (f *full) Truncate(n int64) error {
	f.Buffer.Truncate(int(n))
	return nil
}

// A full disk ends the recording, once, and not the terminal; what is there is whole.
func TestFullDisk(t *testing.T) {
	for room := 300; room < 200_000; room += 11_111 {
		failed := make(chan error, 9)
		f := &full{room: room}
		r := over(t, f, Options{Failed: func(_ string, err error) { failed <- err }})
		for i := range 1000 {
			r.Output(at(i), bytes.Repeat([]byte("x"), 1000))
		}
		wait(t, r)
		r.Output(at(0), []byte("y"))
		r.Resize(at(0), 9, 9)
		r.Exit(at(0), 0)
		r.End(at(0))
		if err := <-failed; !errors.Is(err, syscall.ENOSPC) || len(failed) > 0 {
			t.Errorf("room for %d: %v, and %d more", room, err, len(failed))
		}
		if err := r.Err(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("room for %d: its error is %v", room, err)
		}
		if got := text(events(t, f.Bytes()), cast.Output); len(got) > room || strings.Trim(got, "x") != "" {
			t.Errorf("room for %d: %d bytes of output", room, len(got))
		}
		if _, err := cast.Verify(bytes.NewReader(f.Bytes()), nil); !errors.Is(err, cast.ErrUnsealed) {
			t.Errorf("room for %d: %v", room, err)
		}
		if r.queue.blocks != 0 || r.queue.first != nil || r.busy() && r.queue.last != nil {
			t.Errorf("room for %d: %d blocks are left", room, r.queue.blocks)
		}
	}
}

func TestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		if err := g.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		a, b := newHung(), newHung()
		ra, rb := over(t, a, Options{Group: &g}), over(t, b, Options{Group: &g})
		g.blocks.Add(maxGroup - 3) // others
		ra.Output(at(0), make([]byte, 3*blockSize))
		rb.Output(at(0), []byte("no room for that"))
		if ra.queue.gap.open || !rb.queue.gap.open {
			t.Error("the bound of the group does not hold")
		}
		ra.End(at(0))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := g.Wait(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || err.Error() != "2 recordings have not ended: context deadline exceeded" {
			t.Error(err)
		}
		if err := ra.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		close(a.let)
		wait(t, ra)
		rb.Output(at(1), []byte("now there is"))
		rb.End(at(1))
		close(b.let)
		if err := g.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		want := []string{"0s m 16 bytes of output are missing here: the recorder fell behind", "1ms o now there is"}
		if diff := cmp.Diff(want, show(events(t, b.Bytes()))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if n := g.blocks.Load(); n != maxGroup-3 {
			t.Errorf("%d blocks are counted, want %d", n, maxGroup-3)
		}
	})
}

// However many disks hang, few threads hang with them, and so many goroutines and no more.
func TestManyHungDisks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		var all []*Recorder
		var in, failed atomic.Int64
		let := make(chan struct{})
		var files []*shared
		for i := range maxWriters + maxWaiting + 10 {
			opts := Options{Group: &g, Failed: func(_ string, err error) {
				if !errors.Is(err, errBusy) {
					t.Error(err)
				}
				failed.Add(1)
			}}
			r, f := newRecorder("fake.cast", opts), &shared{}
			r.open = func() (string, *cast.Writer, error) {
				in.Add(1)
				<-let
				w, err := cast.NewWriter(f, header, opts.cast())
				return "fake.cast", w, err
			}
			r.work = running
			go r.run(true)
			if i%1000 == 999 || i > maxWriters+maxWaiting {
				synctest.Wait()
			}
			r.Output(at(0), []byte("x"))
			r.End(at(0))
			files, all = append(files, f), append(all, r)
		}
		synctest.Wait()
		if n := in.Load(); n != maxWriters {
			t.Errorf("%d use their files at once, want %d", n, maxWriters)
		}
		if n := failed.Load(); n != 10 {
			t.Errorf("%d failed, want 10", n)
		}
		close(let)
		if err := g.Wait(t.Context()); err != nil {
			t.Error(err)
		}
		whole := 0
		for i := range all {
			if file := files[i].Bytes(); len(file) > 0 && text(events(t, file), cast.Output) == "x" {
				whole++
			}
		}
		if whole != maxWriters+maxWaiting {
			t.Errorf("%d are whole", whole)
		}
	})
}

// Nobody who has something to record waits for another, or allocates, once blocks are there.
func TestNoAllocations(t *testing.T) {
	r := over(t, io.Discard, Options{Input: true})
	p := make([]byte, 4000)
	step := func() {
		r.Output(at(0), p)
		r.Input(at(0), p[:1])
		r.Resize(at(0), 10, 10)
		r.mu.Lock()
		for b := r.queue.take(); b != nil; b = r.queue.take() {
			r.queue.give(b)
		}
		r.mu.Unlock()
	}
	r.work = running // it is not: only the queue is measured
	for range 100 {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n > 0.1 { // the collector may empty the pool
		t.Errorf("%v allocations", n)
	}
}
