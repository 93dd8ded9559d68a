//go:build linux

package parent

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
)

// maxLog is how long a server's log may become. It lies in the runtime directory, which
// is memory on most machines.
const maxLog = 1 << 20

// SetLog makes f, which is open to append, the log of a server: package slog's default logger
// writes there, a line of JSON for each record with this attribute, and so does package
// log, as warnings. It keeps its last mebibyte at most.
func SetLog(f *os.File, key, value string) {
	slog.SetDefault(slog.New(slog.NewJSONHandler(&logFile{f: f}, nil)).With(key, value))
	slog.SetLogLoggerLevel(slog.LevelWarn) // such as net/http's
}

// logFile is a log that forgets its older half when it becomes longer than maxLog. What
// others write to the file by themselves (crashes, the supervisor) counts as well. Its
// Write is safe for concurrent use.
type logFile struct {
	mu sync.Mutex
	f  *os.File // guarded by mu; open to append
}

func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if info, err := l.f.Stat(); err == nil && info.Mode().IsRegular() && info.Size()+int64(len(p)) > maxLog {
		if err := l.forgetLocked(info.Size()); err != nil {
			return 0, err
		}
	}
	return l.f.Write(p)
}

// forgetLocked keeps the second half of the file, from the beginning of a line on.
func (l *logFile) forgetLocked(size int64) error {
	raw, err := l.f.SyscallConn()
	if err != nil {
		return err
	}
	var r *os.File // l.f is open to write only
	cerr := raw.Control(func(fd uintptr) { r, err = os.Open(fmt.Sprintf("/proc/self/fd/%d", fd)) })
	if cerr != nil {
		return cerr
	}
	if err != nil {
		return err
	}
	defer r.Close()
	kept, err := io.ReadAll(io.NewSectionReader(r, size-maxLog/2, maxLog/2))
	if err != nil {
		return err
	}
	if err := l.f.Truncate(0); err != nil {
		return err
	}
	_, err = l.f.Write(kept[bytes.IndexByte(kept, '\n')+1:])
	return err
}
