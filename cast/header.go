package cast

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// The size that a terminal without one is given: what programs take it to have.
const (
	defaultRows = 24
	defaultCols = 80
	maxSize     = math.MaxUint16 // of rows and of columns, as in struct winsize
)

// fileHeader is the first line of a recording, of both versions: each has fields that
// the other has not.
type fileHeader struct {
	Version   Version               `json:"version"`
	Term      *fileTerm             `json:"term,omitempty"`   // v3
	Width     int                   `json:"width,omitempty"`  // v2
	Height    int                   `json:"height,omitempty"` // v2
	Timestamp *json.Number          `json:"timestamp,omitempty"`
	IdleLimit *float64              `json:"idle_time_limit,omitempty"`
	Command   fileText              `json:"command,omitempty"`
	Title     fileText              `json:"title,omitempty"`
	Env       map[fileText]fileText `json:"env,omitempty"`
}

type fileTerm struct {
	Cols int      `json:"cols"`
	Rows int      `json:"rows"`
	Type fileText `json:"type,omitempty"`
}

// fileText is a string that is written as the text of events is.
type fileText string

func (s fileText) MarshalJSON() ([]byte, error) {
	var t text
	b := t.append([]byte{'"'}, []byte(s))
	return append(t.end(b), '"'), nil
}

// appendHeader appends the line of h.
func appendHeader(dst []byte, h Header, v Version) ([]byte, error) {
	rows, cols, ok := sizeOf(h.Rows, h.Cols)
	if !ok {
		return nil, fmt.Errorf("a terminal of %d rows and %d columns cannot be recorded", h.Rows, h.Cols)
	}
	f := fileHeader{Version: v, Command: fileText(h.Command), Title: fileText(h.Title)}
	for k, value := range h.Env {
		if f.Env == nil {
			f.Env = make(map[fileText]fileText)
		}
		f.Env[fileText(k)] = fileText(value)
	}
	switch v {
	case V3:
		f.Term = &fileTerm{Cols: cols, Rows: rows, Type: fileText(h.Term)}
	case V2:
		f.Width, f.Height = cols, rows
		if h.Term != "" { // where v2 has it
			if f.Env == nil {
				f.Env = make(map[fileText]fileText)
			}
			f.Env["TERM"] = fileText(h.Term)
		}
	}
	if !h.Start.IsZero() {
		n := json.Number(fmt.Sprint(max(h.Start.Unix(), 0)))
		f.Timestamp = &n
	}
	if h.IdleLimit > 0 {
		s := h.IdleLimit.Seconds()
		f.IdleLimit = &s
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(f); err != nil {
		return nil, err
	}
	if b.Len() > maxLine {
		return nil, fmt.Errorf("header: %w", ErrTooLong)
	}
	return append(dst, b.Bytes()...), nil
}

// sizeOf is a size as it is recorded; false for one that no terminal has.
func sizeOf(rows, cols int) (r, c int, ok bool) {
	if rows == 0 || cols == 0 {
		rows, cols = defaultRows, defaultCols
	}
	return rows, cols, rows > 0 && cols > 0 && rows <= maxSize && cols <= maxSize
}

// parseHeader reads the first line of a recording.
func parseHeader(line []byte) (Header, error) {
	var f fileHeader
	// The version first: those of other versions have fields of other types.
	var v struct{ Version json.Number }
	if err := json.Unmarshal(line, &v); err != nil {
		return Header{}, ErrFormat
	}
	if v.Version != "2" && v.Version != "3" {
		return Header{}, ErrFormat
	}
	if err := json.Unmarshal(line, &f); err != nil {
		return Header{}, fmt.Errorf("%w: its header: %w", ErrFormat, err)
	}
	h := Header{Version: f.Version, Rows: f.Height, Cols: f.Width, Command: string(f.Command), Title: string(f.Title)}
	if len(f.Env) > 0 {
		h.Env = make(map[string]string)
		for k, value := range f.Env {
			h.Env[string(k)] = string(value)
		}
	}
	if f.Version == V2 {
		h.Term = h.Env["TERM"]
	}
	if f.Version == V3 {
		if f.Term == nil {
			return Header{}, fmt.Errorf("%w: its header has no term", ErrFormat)
		}
		h.Rows, h.Cols, h.Term = f.Term.Rows, f.Term.Cols, string(f.Term.Type)
	}
	var ok bool
	if h.Rows, h.Cols, ok = sizeOf(h.Rows, h.Cols); !ok {
		return Header{}, fmt.Errorf("%w: its header has no size of a terminal", ErrFormat)
	}
	if f.Timestamp != nil {
		// Some recorders write fractions. Nonsense is no time, and no reason to refuse all.
		if s, err := f.Timestamp.Float64(); err == nil && s >= 0 && s < 1<<40 {
			h.Start = time.Unix(int64(s), 0)
		}
	}
	if f.IdleLimit != nil && *f.IdleLimit > 0 && *f.IdleLimit < maxTime.Seconds() {
		h.IdleLimit = time.Duration(*f.IdleLimit * float64(time.Second))
	}
	return h, nil
}
