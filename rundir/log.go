//go:build linux

package rundir

import (
	"encoding/json"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"unicode"
)

const (
	maxLog     = 64 << 10 // bytes of a log's end that we look at
	maxLogLine = 400      // bytes of a line that we show
)

// lastWords is the line of a dead server's log that says most about its end: the
// last that a Go crash starts with, else the last one. Of lines in JSON (slog's), those
// below errors tell of its life, and do not count.
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
		line = printable(plain(line))
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

// plain is a line of the log as people read it: one in JSON comes down to what went
// wrong, and to nothing when it says that nothing did.
func plain(line string) string {
	var record struct {
		Level *slog.Level `json:"level"`
		Msg   *string     `json:"msg"`
		Error string      `json:"error"`
	}
	if json.Unmarshal([]byte(line), &record) != nil || record.Level == nil || record.Msg == nil {
		return line
	}
	switch {
	case *record.Level < slog.LevelError:
		return ""
	case record.Error == "":
		return *record.Msg
	}
	return *record.Msg + ": " + record.Error
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
