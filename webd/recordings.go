package webd

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	maxListed   = 1000
	castTimeout = 10 * time.Minute // for a long recording over a thin line
)

// listedRecording is a file in the list of them.
type listedRecording struct {
	Name     string    `json:"name"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
}

// listRecordings tells which there are, the latest first.
func (s *Server) listRecordings(w http.ResponseWriter, _ *http.Request, _ string) {
	list := []listedRecording{}
	if s.recordings != nil {
		dir, err := s.recordings.Open(".")
		if err != nil {
			writeFailure(w, err)
			return
		}
		defer dir.Close()
		for {
			entries, err := dir.ReadDir(256)
			for _, e := range entries {
				info, err := e.Info()
				if err == nil && info.Mode().IsRegular() && castName(e.Name()) { // else it is none, or has gone
					list = append(list, listedRecording{e.Name(), info.Size(), info.ModTime()})
				}
			}
			list = latest(list)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				writeFailure(w, err)
				return
			}
		}
	}
	writeJSON(w, http.StatusOK, list)
}

// latest are the maxListed latest of a list, in order.
func latest(list []listedRecording) []listedRecording {
	slices.SortFunc(list, func(a, b listedRecording) int {
		if c := b.Modified.Compare(a.Modified); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list[:min(len(list), maxListed)]
}

// castName tells whether name, one element of a path, may be a recording's.
func castName(name string) bool {
	return strings.HasSuffix(name, ".cast") && !strings.HasPrefix(name, ".") && !strings.ContainsAny(name, "/\\\x00")
}

// recording sends one file.
func (s *Server) recording(w http.ResponseWriter, r *http.Request, _ string) {
	name := r.PathValue("file")
	if s.recordings == nil || !castName(name) {
		writeFailure(w, errNoRecording)
		return
	}
	// A symlink is not followed, and a fifo not waited for.
	f, err := s.recordings.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		writeFailure(w, errNoRecording)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		writeFailure(w, errNoRecording)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(castTimeout)) // only a test's writer has none
	w.Header().Set("Content-Type", "application/x-asciicast")
	http.ServeContent(w, r, "", info.ModTime(), f)
}
