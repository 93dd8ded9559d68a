package recorder

import (
	"errors"
	"time"

	"github.com/ptsns/ptsns/cast"
)

// runTimed is run when what is queued has waited long enough.
func (r *Recorder) runTimed() { r.run(true) }

// run is the goroutine: it writes what is queued, and returns once that is flushed. A last
// block that still fills is left to the timer, unless it was that which came: else the
// two sides would be at every line together.
func (r *Recorder) run(all bool) {
	if err := r.begin(); err != nil {
		r.stop(err)
		return
	}
	over, err := r.empty(all)
	r.opts.Group.leave()
	if over {
		r.stop(err)
	}
}

// begin makes the file if it is not there. Without an error, the Group has to be left.
func (r *Recorder) begin() error {
	group := r.opts.Group
	if r.w != nil {
		group.enter()
		return nil
	}
	if err := group.enterFirst(); err != nil {
		return err
	}
	file, w, err := r.open()
	if err != nil {
		group.leave()
		return err
	}
	r.w, r.open = w, nil
	r.mu.Lock()
	defer r.mu.Unlock()
	r.file = file
	return nil
}

// empty empties the queue. The recording is over with an error or at its end.
func (r *Recorder) empty(all bool) (over bool, err error) {
	begun := time.Now()
	flushed := begun
	for clean := true; ; {
		b, ended := r.take(all || time.Since(begun) >= flushAfter, clean)
		switch {
		case b != nil:
			r.write(b)
			r.give(b)
			if clean = false; time.Since(flushed) < flushAfter {
				continue
			}
		case ended:
			return true, r.w.Close()
		case clean:
			return false, nil
		}
		if err := r.w.Flush(); err != nil {
			return true, errors.Join(err, r.w.Close()) // nothing is left to write
		}
		flushed, clean = time.Now(), true
	}
}

// take takes a block out of the queue, one that still fills only if all are wanted. When
// there is none, nor an end to write, and everything is clean, which is flushed, the
// goroutine has to go.
func (r *Recorder) take(all, clean bool) (b *block, ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.work = running // the timer started us, perhaps
	r.queue.resume()
	if all || r.ended || r.queue.first != r.queue.last || r.queue.gap.open {
		b = r.queue.take()
	}
	if b == nil && !r.ended && clean {
		r.work = idle
		if r.queue.first != nil {
			r.wakeLocked(false)
		}
	}
	return b, r.ended
}

// give gives a block back to the queue.
func (r *Recorder) give(b *block) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue.give(b)
}

// write gives a block to the Writer.
func (r *Recorder) write(b *block) {
	rest := b.data[:]
	for _, it := range b.items[:b.n] {
		p := rest[:it.n]
		rest = rest[it.n:]
		switch it.code {
		case cast.Output:
			r.w.Output(it.at, p)
		case cast.Input:
			r.w.Input(it.at, p)
		case cast.Resize:
			r.w.Resize(it.at, int(it.a), int(it.b))
		case cast.Exit:
			r.w.Exit(it.at, int(it.a))
		case gap:
			r.w.Gap(it.at, it.a, it.b)
			if !r.toldLost && r.opts.Lost != nil {
				r.opts.Lost(r.File(), it.a+it.b)
			}
			r.toldLost = true
		}
	}
}

// stop ends the recording, with an error of the file or, at its proper end, none.
func (r *Recorder) stop(err error) {
	r.mu.Lock()
	r.dead, r.err = true, err
	for b := r.queue.take(); b != nil; b = r.queue.take() {
		r.queue.give(b)
	}
	r.mu.Unlock()
	if err != nil && r.opts.Failed != nil {
		r.opts.Failed(r.File(), err)
	}
	close(r.done)
	r.opts.Group.done()
}
