package recorder

import (
	"errors"
	"fmt"
	"time"

	"github.com/ptsns/ptsns/cast"
)

// run is the goroutine: it writes what is queued, and returns once that is flushed.
func (r *Recorder) run() {
	if r.w == nil {
		if err := r.begin(); err != nil {
			r.stop(err)
			return
		}
	}
	flushed := time.Now()
	for clean := true; ; {
		b, ended := r.take(clean)
		switch {
		case b != nil:
			r.write(b)
			r.give(b)
			if clean = false; time.Since(flushed) < flushAfter {
				continue
			}
		case ended:
			r.stop(r.w.Close())
			return
		case clean:
			return
		}
		if err := r.w.Flush(); err != nil {
			r.stop(err)
			return
		}
		flushed, clean = time.Now(), true
	}
}

// begin makes the file.
func (r *Recorder) begin() error {
	file, w, err := r.open()
	if err != nil {
		return err
	}
	r.w, r.open = w, nil
	r.mu.Lock()
	defer r.mu.Unlock()
	r.file = file
	return nil
}

// take takes a block out of the queue. When there is none, nor an end to write, and
// everything is clean, which is flushed, the goroutine has to go.
func (r *Recorder) take(clean bool) (b *block, ended bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.work = running // the timer started us, perhaps
	r.queue.resume()
	b = r.queue.take()
	if b == nil && !r.ended && clean {
		r.work = idle
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
			r.w.Gap(it.at, missing(it.a, it.b))
			if !r.toldLost && r.opts.Lost != nil {
				r.opts.Lost(r.File(), it.a+it.b)
			}
			r.toldLost = true
		}
	}
}

// missing is what the marker of a gap says.
func missing(output, input int64) string {
	text := fmt.Sprintf("%d bytes of output are missing here: the disk was too slow", output)
	if input > 0 {
		text = fmt.Sprintf("%d bytes of output and %d of input are missing here: the disk was too slow", output, input)
	}
	return text
}

// stop ends the recording, with an error of the file or, at its proper end, none.
func (r *Recorder) stop(err error) {
	r.mu.Lock()
	r.dead = true
	for b := r.queue.take(); b != nil; b = r.queue.take() {
		r.queue.give(b)
	}
	r.mu.Unlock()
	if r.w != nil {
		err = errors.Join(err, r.w.Close()) // nothing is left to write
	}
	if err != nil && r.opts.Failed != nil {
		r.opts.Failed(r.File(), err)
	}
	close(r.done)
	r.opts.Group.done()
}
