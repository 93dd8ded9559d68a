//go:build linux

package rundir

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	recordName    = "record.json"
	recordTmpName = "record.json.tmp"
	markerPrefix  = "ptsns-"
	maxRecord     = 1 << 20 // bytes of a record.json that we read
)

// record is what stands in record.json: all that is needed to find a dead server's
// remains. It exists before anything else of the namespace does.
type record struct {
	Marker    string `json:"marker"`     // source of the marker tmpfs inside
	ServerPID int    `json:"server_pid"` // 0 until the server has said so; for people

	Mounts []string `json:"mounts,omitempty"` // device numbers of the FUSE mounts it serves, as in mountinfo
	Shared bool     `json:"shared,omitempty"` // the server does more than serve this: its end is not the entry's
}

// newMarker makes a marker that nobody guesses.
func newMarker() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return markerPrefix + hex.EncodeToString(b[:])
}

// validMarker reports whether s can have come from newMarker. Processes are killed
// by it, so a damaged one must not match anything else.
func validMarker(s string) bool {
	digits, ok := strings.CutPrefix(s, markerPrefix)
	b, err := hex.DecodeString(digits)
	return ok && err == nil && len(b) == 16
}

// readRecord reads the record of the entry called name.
func (h *held) readRecord(name string) (record, error) {
	f, err := openRegular(h.dir, filepath.Join(name, recordName))
	if err != nil {
		return record{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRecord))
	if err != nil {
		return record{}, err
	}
	var rec record
	if err := json.Unmarshal(data, &rec); err != nil {
		return record{}, fmt.Errorf("read %q: %w", f.Name(), err)
	}
	if !validMarker(rec.Marker) {
		return record{}, fmt.Errorf("read %q: %q is not a marker", f.Name(), rec.Marker)
	}
	return rec, nil
}

// writeRecord puts rec in place of the record of the entry called name, whole or
// not at all.
func (h *held) writeRecord(name string, rec record) (err error) {
	data, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	dir := int(h.dir.Fd())
	tmp, path := filepath.Join(name, recordTmpName), filepath.Join(name, recordName)
	if err := unix.Unlinkat(dir, tmp, 0); err != nil && !errors.Is(err, unix.ENOENT) {
		return &os.PathError{Op: "remove", Path: filepath.Join(h.path, tmp), Err: err}
	}
	f, err := openBeneath(h.dir, tmp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Close())
	if err == nil {
		err = unix.Renameat(dir, tmp, dir, path)
	}
	if err != nil {
		_ = unix.Unlinkat(dir, tmp, 0) // the failure before it is the one to tell
		return fmt.Errorf("write %q: %w", filepath.Join(h.path, path), err)
	}
	return nil
}
