//go:build linux

package rundir

import (
	"io"
	"path/filepath"
	"strings"
	"unicode"
)

const (
	maxLog     = 64 << 10 // bytes of a log's end that we look at
	maxLogLine = 400      // bytes of a line that we show
)

// lastWords is the line of a dead server's log that says most about its end: the
// last that a Go crash starts with, else the last one.
func (h *held) lastWords(name string) string {
	f, err := openRegular(h.dir, filepath.Join(name, "log"))
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxLog {
		_, _ = f.Seek(-maxLog, io.SeekEnd) // the beginning then serves as well
	}
	data, err := io.ReadAll(io.LimitReader(f, maxLog))
	if err != nil {
		return ""
	}
	last, crash := "", ""
	for line := range strings.Lines(string(data)) {
		line = printable(line)
		if strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") {
			crash = line
		}
		if line != "" {
			last = line
		}
	}
	if crash != "" {
		return crash
	}
	return last
}

// printable is line as it may be shown on a terminal, cut to maxLogLine bytes.
func printable(line string) string {
	line = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, line)
	line = strings.TrimSpace(line)
	if len(line) > maxLogLine {
		line = strings.ToValidUTF8(line[:maxLogLine], "")
	}
	return line
}
