package cast

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"
)

// Options say how a recording is written. The zero value is a v3 recording of output
// alone, with a chain and without a limit.
type Options struct {
	Version Version // 0 is V3
	// Input has input recorded too: passwords with it, for a Writer does not know
	// whether they were seen.
	Input   bool
	NoChain bool
	// MaxBytes is the greatest size of the recording; 0 is none. It ends before the
	// event that does not fit, with a marker that says so.
	MaxBytes  int64
	Overwrite bool // Create may replace a file
}

// flushSize is from where on the Writer writes without being told.
const flushSize = 64 << 10

// endRoom is what the end of a recording takes that has reached its limit: a marker
// with its link, and the seal, in v2.
const endRoom = 512

// buffers are what Writers keep lines in, lent from an event to the next Flush.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }}

// Writer writes a recording. After a Flush it keeps less than 1 KB, else some 100 KB,
// 300 KB at worst. It is for one goroutine at a time. It writes to its file in Flush
// and Close, and in other calls when it has kept 64 KiB: those block as the file does.
//
// Times that run backwards, or before Header.Start, are taken for the time of the
// event before.
//
// When the file fails, the next Flush or Close returns the error, once. The Writer is
// dead from then on: it drops what it is given, and its methods do nothing. If the file
// can be truncated, as an *os.File can, it is cut back to its last whole event, so
// that it is a valid recording, unsealed.
type Writer struct {
	file   io.Writer
	closer io.Closer // what Close is to close, nil for none
	base   int64     // where in the file the recording begins; -1: the file cannot be cut back
	opts   Options
	chain  *chain // nil without one

	buf     []byte  // whole lines, each with its link, not yet in the file
	lent    *[]byte // where buf is from, and goes back to; nil: nothing is lent
	written int64   // bytes in the file
	start   time.Time
	last    int64 // the time of the last event, in µs

	out, in text

	err   error // not yet returned
	any   bool  // there was an event
	ended bool  // sealed, or dead
}

// NewWriter begins a recording: it writes the header to f. With an f that is an
// *os.File, the recording begins at the file's offset, and nothing may stand behind
// that. Close does not close f.
func NewWriter(f io.Writer, h Header, opts Options) (*Writer, error) {
	if opts.Version == 0 {
		opts.Version = V3
	}
	if opts.Version != V2 && opts.Version != V3 {
		return nil, fmt.Errorf("asciicast v%d is not written", opts.Version)
	}
	w := &Writer{file: f, base: -1, opts: opts, start: h.Start}
	if _, ok := f.(truncater); ok {
		if s, ok := f.(io.Seeker); ok {
			if at, err := s.Seek(0, io.SeekCurrent); err == nil {
				w.base = at
			}
		}
	}
	line, err := appendHeader(nil, h, opts.Version)
	if err != nil {
		return nil, err
	}
	w.buf = line
	if !opts.NoChain {
		w.chain = newChain(opts.Version)
		w.link(0)
	}
	if opts.MaxBytes > 0 && int64(len(w.buf))+endRoom > opts.MaxBytes {
		return nil, fmt.Errorf("a recording of at most %d bytes has no room for its header and end, %d", opts.MaxBytes, len(w.buf)+endRoom)
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	return w, nil
}

type truncater interface{ Truncate(size int64) error }

// Output records output. The start of a character whose rest has not come waits for
// that, past a Resize or Marker too; bytes that are not UTF-8 become U+FFFD.
func (w *Writer) Output(t time.Time, p []byte) { w.stream(t, Output, &w.out, p) }

// Input records what was typed, if Options.Input asks for that.
func (w *Writer) Input(t time.Time, p []byte) {
	if w.opts.Input {
		w.stream(t, Input, &w.in, p)
	}
}

// Resize records a new size. One that no terminal has, or none (0), is left out.
func (w *Writer) Resize(t time.Time, rows, cols int) {
	if rows <= 0 || cols <= 0 || rows > maxSize || cols > maxSize || w.ended {
		return
	}
	mark, at := w.begin(t, Resize)
	w.buf = strconv.AppendInt(w.buf, int64(cols), 10)
	w.buf = append(w.buf, 'x')
	w.buf = strconv.AppendInt(w.buf, int64(rows), 10)
	w.commit(mark, at)
}

// Marker names this place. A name is cut to 32 KiB.
func (w *Writer) Marker(t time.Time, name string) {
	if w.ended {
		return
	}
	var whole text
	mark, at := w.begin(t, Marker)
	w.buf = whole.append(w.buf, []byte(name[:min(len(name), maxData)]))
	w.buf = whole.end(w.buf)
	w.commit(mark, at)
}

// Gap marks a place where so many bytes of output and of input are missing, as whoever
// records fell behind. What comes then continues no character of before.
func (w *Writer) Gap(t time.Time, output, input int64) {
	w.drain(t)
	of := strconv.FormatInt(output, 10) + gapOutput
	if input > 0 {
		of += fmt.Sprintf(" and %d of input", input)
	}
	w.Marker(t, of+gapEnd)
}

// gapOutput and gapEnd are the words by which a Reader's user knows a gap.
const (
	gapOutput = " bytes of output"
	gapEnd    = " are missing here: the recorder fell behind"
)

// Exit records the exit status of the program, whose output is complete.
func (w *Writer) Exit(t time.Time, status int) {
	w.drain(t)
	if w.ended {
		return
	}
	mark, at := w.begin(t, Exit)
	w.buf = strconv.AppendInt(w.buf, int64(status), 10)
	w.commit(mark, at)
}

// Head is the head of the chain, with everything recorded so far; the file has that
// only after a Flush. It is zero without a chain.
func (w *Writer) Head() Head {
	if w.chain == nil {
		return Head{}
	}
	return w.chain.head
}

// Flush writes what is kept to the file. Its user calls it at least once a second: what
// it has not written is lost when the process dies. (What the kernel has not written
// is lost when the machine does; Flush does not sync.) It returns the first error, of
// this or an earlier call, once, and ErrFull once when the recording has ended at its
// limit.
func (w *Writer) Flush() error {
	w.write()
	if w.lent != nil {
		if w.buf != nil {
			*w.lent = w.buf
			buffers.Put(w.lent)
		}
		w.lent, w.buf = nil, nil
	}
	err := w.err
	w.err = nil
	return err
}

// Close ends the recording with its seal, writes everything and, for a Writer that
// Create made, closes the file. It returns what Flush does. A recording of nothing gets
// an event of empty output, since players refuse one without events.
func (w *Writer) Close() error {
	w.drain(w.start)
	if !w.any && !w.ended {
		mark, at := w.begin(w.start, Output)
		w.commit(mark, at)
	}
	if !w.ended {
		w.seal()
	}
	err := w.Flush()
	if w.closer == nil {
		return err
	}
	closer := w.closer
	w.closer = nil
	return errors.Join(err, closer.Close())
}

// stream records bytes of one of the two streams.
func (w *Writer) stream(t time.Time, code Code, s *text, p []byte) {
	for len(p) > 0 && !w.ended {
		n := min(len(p), maxData)
		mark, at := w.begin(t, code)
		body := len(w.buf)
		w.buf = s.append(w.buf, p[:n])
		p = p[n:]
		if len(w.buf) == body { // all of it is held back
			w.buf = w.buf[:mark]
			continue
		}
		w.commit(mark, at)
	}
}

// drain records what is held back of both streams: nothing follows it.
func (w *Writer) drain(t time.Time) {
	for _, s := range []struct {
		code Code
		held *text
	}{{Output, &w.out}, {Input, &w.in}} {
		if s.held.n == 0 || w.ended {
			continue
		}
		mark, at := w.begin(t, s.code)
		w.buf = s.held.end(w.buf)
		w.commit(mark, at)
	}
}

// begin starts the line of an event. mark is where, at is its time for commit.
func (w *Writer) begin(t time.Time, code Code) (mark int, at int64) {
	if w.start.IsZero() {
		w.start = t
	}
	if w.lent == nil {
		w.lent = buffers.Get().(*[]byte)
		w.buf = *w.lent
	}
	at = min(max(t.Sub(w.start).Microseconds(), w.last), maxTime.Microseconds())
	mark = len(w.buf)
	shown := at
	if w.opts.Version == V3 {
		shown -= w.last // of whole microseconds: the sum of all is exact
	}
	w.buf = append(w.buf, '[')
	w.buf = appendSeconds(w.buf, shown)
	w.buf = append(w.buf, ',', ' ', '"', byte(code), '"', ',', ' ', '"')
	return mark, at
}

// commit ends the line that begins at mark, unless it does not fit.
func (w *Writer) commit(mark int, at int64) {
	var head Head
	if w.chain != nil {
		head = w.chain.head
	}
	w.buf = append(w.buf, "\"]\n"...)
	w.link(mark)
	if w.opts.MaxBytes > 0 && w.written+int64(len(w.buf))+endRoom > w.opts.MaxBytes {
		w.buf = w.buf[:mark]
		if w.chain != nil {
			w.chain.head = head
		}
		w.full()
		return
	}
	w.last, w.any = at, true
	if len(w.buf) >= flushSize {
		w.write()
	}
}

// link puts the line that begins at mark into the chain.
func (w *Writer) link(mark int) {
	if w.chain == nil {
		return
	}
	line := w.buf[mark:]
	w.chain.add(line)
	w.buf = w.chain.appendLink(w.buf, timeOf(line))
}

// full ends a recording that has reached its limit; there is endRoom for it.
func (w *Writer) full() {
	w.opts.MaxBytes, w.out, w.in = 0, text{}, text{}
	w.Marker(w.start, "the recording ends here: its size limit is reached")
	if !w.ended {
		w.seal()
	}
	w.write()
	if w.err == nil {
		w.err = ErrFull
	}
}

// seal writes the end of the chain.
func (w *Writer) seal() {
	w.ended = true
	if w.chain == nil {
		return
	}
	at := []byte{'0'}
	if w.opts.Version == V2 {
		at = appendSeconds(nil, w.last)
	}
	w.buf = w.chain.appendSeal(w.buf, at)
}

// write writes buf to the file. When that fails it is the end.
func (w *Writer) write() {
	if len(w.buf) == 0 {
		return
	}
	n, err := w.file.Write(w.buf)
	if err == nil && n < len(w.buf) {
		err = io.ErrShortWrite
	}
	if err != nil {
		w.err, w.ended = err, true
		w.cutBack(max(0, min(n, len(w.buf))))
		w.buf, w.written = nil, 0
		return
	}
	w.written += int64(n)
	w.buf = w.buf[:0]
}

// cutBack cuts what there is of a line off the file's end, after n bytes of buf went
// there. A line without its link goes too.
func (w *Writer) cutBack(n int) {
	if w.base < 0 {
		return
	}
	lines := 1
	if w.chain != nil {
		lines = 2
	}
	whole := 0
	for at, count := 0, 0; ; {
		i := bytes.IndexByte(w.buf[at:n], '\n')
		if i < 0 {
			break
		}
		at += i + 1
		if count++; count%lines == 0 {
			whole = at
		}
	}
	// What fails here has failed before: that error is the one to tell.
	_ = w.file.(truncater).Truncate(w.base + w.written + int64(whole))
}

// appendSeconds appends µs as seconds, without zeros at the end.
func appendSeconds(dst []byte, us int64) []byte {
	dst = strconv.AppendInt(dst, us/1e6, 10)
	us %= 1e6
	if us == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit := int64(1e5); us > 0; unit /= 10 {
		dst = append(dst, byte('0'+us/unit))
		us %= unit
	}
	return dst
}
