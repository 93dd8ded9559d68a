package wait

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestEventsString(t *testing.T) {
	for e, want := range map[Events]string{0: "0", In: "IN", In | Out | Hup: "IN|OUT|HUP", Pri | RdNorm: "PRI|RDNORM"} {
		if got := e.String(); got != want {
			t.Errorf("%#x prints as %q, want %q", uint32(e), got, want)
		}
	}
}

func TestQueueWakesTheInterested(t *testing.T) {
	var q Queue
	var in, out []Events
	stopIn := q.Notify(In, func(e Events) { in = append(in, e) })
	stopOut := q.Notify(Out, func(e Events) { out = append(out, e) })
	q.Wake(In)
	q.Wake(Out)
	q.Wake(Hup) // everybody, as poll(2) reports it unasked
	stopIn()
	stopIn()
	q.Wake(In | Out)
	stopOut()
	q.Wake(In | Out)
	if len(in) != 2 || in[0] != In || in[1] != Hup {
		t.Errorf("the reader was woken with %v", in)
	}
	if len(out) != 3 || out[0] != Out || out[1] != Hup || out[2] != In|Out {
		t.Errorf("the writer was woken with %v", out)
	}
	if q.waiters != nil {
		t.Error("an empty queue keeps memory")
	}
}

func TestQueueCallbackMayChangeTheQueue(t *testing.T) {
	var q Queue
	var stop func()
	runs := 0
	stop = q.Notify(In, func(Events) {
		runs++
		stop()
		q.Notify(In, func(Events) { runs += 10 })
	})
	q.Wake(In)
	q.Wake(In)
	if runs != 11 {
		t.Errorf("runs = %d, want 11", runs)
	}
}

func TestQueueFromManyGoroutines(t *testing.T) {
	var q Queue
	var woken atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				stop := q.Notify(In, func(Events) { woken.Add(1) })
				q.Wake(In)
				stop()
			}
		})
	}
	wg.Wait()
	if woken.Load() < 8*500 {
		t.Errorf("%d wakeups, want at least each one's own", woken.Load())
	}
}
