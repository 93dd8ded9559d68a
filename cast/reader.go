package cast

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// Event is something that happened in a recording.
type Event struct {
	Time time.Duration // since the recording began; never less than that of the event before
	Code Code
	Data string // UTF-8
}

// Size is the new size that a Resize tells; false for another event.
func (e Event) Size() (rows, cols int, ok bool) {
	if e.Code != Resize {
		return 0, 0, false
	}
	c, r, _ := strings.Cut(e.Data, "x")
	cols, err1 := strconv.Atoi(c)
	rows, err2 := strconv.Atoi(r)
	ok = err1 == nil && err2 == nil && rows > 0 && cols > 0 && rows <= maxSize && cols <= maxSize
	return rows, cols, ok
}

// Missing is how many bytes of output are missing at a marker that Writer.Gap has
// written; false for another event.
func (e Event) Missing() (bytes int64, ok bool) {
	n, rest, ok := strings.Cut(e.Data, gapOutput)
	if e.Code != Marker || !ok || !strings.HasSuffix(rest, gapEnd) {
		return 0, false
	}
	bytes, err := strconv.ParseInt(n, 10, 64)
	return bytes, err == nil && bytes >= 0
}

// Reader reads a recording of v2 or v3, whoever made it. It does not look at the
// chain, and keeps no more than a line. It is for one goroutine at a time.
type Reader struct {
	lines  *lines
	header Header
	now    int64 // the time of the last event, in µs
	err    error // what ended it
}

// NewReader reads the header.
func NewReader(r io.Reader) (*Reader, error) {
	l := newLines(r)
	line, err := l.next()
	if errors.Is(err, io.EOF) || errors.Is(err, ErrTooLong) {
		err = ErrFormat
	}
	if err != nil {
		return nil, err
	}
	h, err := parseHeader(line)
	if err != nil {
		return nil, err
	}
	return &Reader{lines: l, header: h}, nil
}

// Header is what the recording says of itself. The size is that of a terminal.
func (r *Reader) Header() Header { return r.header }

// Next returns the next event. After the last it returns io.EOF, and
// io.ErrUnexpectedEOF when the recording ends within a line, as that of a recorder
// which died may. Comments and events of other codes are left out. An error is
// final.
func (r *Reader) Next() (Event, error) {
	for r.err == nil {
		var line []byte
		if line, r.err = r.lines.next(); r.err != nil {
			if !errors.Is(r.err, io.EOF) {
				r.err = fmt.Errorf("line %d: %w", r.lines.n, r.err)
			}
			break
		}
		whole := line[len(line)-1] == '\n'
		line = bytes.TrimSpace(line)
		if len(line) == 0 || r.header.Version == V3 && line[0] == '#' {
			continue
		}
		e, err := r.parse(line)
		if err != nil && !whole {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			r.err = fmt.Errorf("line %d: %w", r.lines.n, err)
			break
		}
		switch e.Code {
		case Output, Input, Resize, Marker, Exit:
			return e, nil
		}
	}
	return Event{}, r.err
}

// parse reads the line of an event.
func (r *Reader) parse(line []byte) (Event, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(line, &parts); err != nil || len(parts) != 3 {
		return Event{}, errors.New("not an event, an array of three")
	}
	var seconds *float64
	if err := json.Unmarshal(parts[0], &seconds); err != nil || seconds == nil || *seconds < 0 || *seconds > maxTime.Seconds() {
		return Event{}, errors.New("the event has no time")
	}
	var code, data *string
	if err := json.Unmarshal(parts[1], &code); err != nil || code == nil || *code == "" {
		return Event{}, errors.New("the event has no code")
	}
	if err := json.Unmarshal(parts[2], &data); err != nil || data == nil {
		return Event{}, errors.New("the event has no data")
	}
	us := int64(math.Round(*seconds * 1e6))
	if r.header.Version == V3 {
		us += r.now
	}
	r.now = max(us, r.now) // in v2 a clock that was set may have written what runs backwards
	if r.now > maxTime.Microseconds() {
		return Event{}, errors.New("the recording is longer than any life")
	}
	e := Event{Time: time.Duration(r.now) * time.Microsecond, Data: *data}
	if len(*code) == 1 {
		e.Code = Code((*code)[0])
	}
	if _, _, ok := e.Size(); e.Code == Resize && !ok {
		return Event{}, fmt.Errorf("%.20q is no size", e.Data)
	}
	return e, nil
}
