//go:build linux

package apid

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/pts"
	"github.com/ptsns/ptsns/server"
)

// maxCreation bounds the body of a request to make a namespace.
const maxCreation = 4 << 20

// Creation is the namespace to make. Fields that are missing are as `ptsns run` has them.
type Creation struct {
	Name        string  `json:"name"`    // the first free of vs1, vs2, ... when it is ""
	Options     string  `json:"options"` // of mount -t devpts -o, behind parent.DefaultOptions
	Ptmx        string  `json:"ptmx"`    // "tap", "symlink" or "bind"
	SharePts    bool    `json:"share_pts"`
	Root        string  `json:"root"` // absolute
	PidNS       bool    `json:"pid_ns"`
	History     int     `json:"history"`    // bytes; 0 is 1 MiB
	RecordDir   string  `json:"record_dir"` // absolute, and there already
	RecordInput bool    `json:"record_input"`
	RecordV2    bool    `json:"record_v2"`
	Program     Program `json:"program"`
}

// Program is the first program of a namespace.
type Program struct {
	Argv       []string `json:"argv"`
	Env        []string `json:"env"` // K=V; this process's own when it is missing
	Dir        string   `json:"dir"`
	DirDefault string   `json:"dir_default"`
	Rows       uint16   `json:"rows"` // 24 when both are 0
	Cols       uint16   `json:"cols"` // 80
	Size       string   `json:"size"` // "latest", "largest", "smallest" or "fixed"
}

// Created is the answer: the namespace, and its first terminal and program.
type Created struct {
	Name  string `json:"name"`
	Index int    `json:"index"`
	PID   int    `json:"pid"`
	Note  string `json:"note,omitempty"` // why terminals that programs inside open cannot be joined
}

// readCreation reads a request, whose every field must be one that we know and can be.
func readCreation(w http.ResponseWriter, r *http.Request) (Creation, error) {
	var c Creation
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCreation))
	if err != nil {
		return c, fmt.Errorf("read the body: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("the body: %w", err)
	}
	if d.More() {
		return c, errors.New("the body: something follows it")
	}
	return c, c.check()
}

func (c *Creation) check() error {
	if c.Name != "" {
		if err := pts.CheckName(c.Name); err != nil {
			return err
		}
	}
	if c.History < 0 {
		return fmt.Errorf("history %d: want bytes, or 0 for 1 MiB", c.History)
	}
	if c.Ptmx != "" && !slices.Contains([]string{"tap", "symlink", "bind"}, c.Ptmx) {
		return fmt.Errorf("ptmx %q: want tap, symlink or bind", c.Ptmx)
	}
	if c.SharePts && c.Options != "" {
		return errors.New("options have no meaning with share_pts, which mounts nothing new")
	}
	for _, dir := range []string{c.Root, c.RecordDir} {
		if dir != "" && !filepath.IsAbs(dir) {
			return fmt.Errorf("%q is not an absolute path", dir)
		}
	}
	if len(c.Program.Argv) == 0 {
		return errors.New("program.argv is empty")
	}
	for _, s := range slices.Concat(c.Program.Argv, c.Program.Env, []string{c.Program.Dir, c.Program.DirDefault, c.Root, c.RecordDir, c.Options}) {
		if strings.ContainsRune(s, 0) {
			return fmt.Errorf("%q has a NUL", s)
		}
	}
	_, err := hub.ParseSizing(c.Program.Size)
	return err
}

func (c *Creation) config() server.Config {
	cfg := server.Config{Name: c.Name, SharePts: c.SharePts, Ptmx: c.Ptmx, Root: c.Root, PidNS: c.PidNS,
		History: c.History, RecordDir: c.RecordDir, RecordInput: c.RecordInput, RecordV2: c.RecordV2}
	if !c.SharePts {
		cfg.Options = parent.DefaultOptions()
		if c.Options != "" {
			cfg.Options += "," + c.Options
		}
	}
	return cfg
}

func (p *Program) spec() server.Spec {
	s := server.Spec{Argv: p.Argv, Env: p.Env, Dir: p.Dir, DirDefault: p.DirDefault, Rows: p.Rows, Cols: p.Cols, Size: p.Size}
	if s.Env == nil {
		s.Env = os.Environ()
	}
	if s.Rows == 0 && s.Cols == 0 {
		s.Rows, s.Cols = 24, 80
	}
	return s
}

// Live is the namespaces of a real parent.
type Live struct{ *parent.Parent }

// Create makes a namespace and starts its first program. Where that fails nothing of it
// is left.
func (l Live) Create(ctx context.Context, c Creation) (Created, error) {
	srv, note, err := l.Parent.Create(ctx, c.config())
	if err != nil {
		return Created{}, err
	}
	index, pid, err := srv.Client().Start(ctx, c.Program.spec())
	if err != nil {
		srv.Abandon()
		return Created{}, err
	}
	_ = srv.Client().Close() // the program runs, so this ends nothing
	return Created{Name: srv.Name(), Index: index, PID: pid, Note: note}, nil
}

// End ends a namespace, and cleans what a server leaves that had to be killed.
func (l Live) End(ctx context.Context, name string) error {
	killed, err := l.Parent.End(ctx, name)
	if killed {
		_, err = l.Dir().Clean()
	}
	return err
}

// Socket finds the socket of a living namespace.
func (l Live) Socket(name string) (string, error) {
	entry, err := l.Dir().Entry(name)
	if err != nil {
		return "", err
	}
	return entry.Socket(), nil
}
