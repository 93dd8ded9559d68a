package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/hub"
	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/server"
	"github.com/spf13/cobra"
)

func TestExitCode(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{nil, 0},
		{usagef("no"), 2},
		{fmt.Errorf("around: %w", usagef("no")), 2},
		{errors.New("no"), 125},
		{syscall.ENOENT, 125}, // of what, nobody knows
		{programError{&control.Error{Code: "not-found"}}, 127},
		{programError{&control.Error{Code: "not-executable"}}, 126},
		{programError{&control.Error{Code: "bad-directory"}}, 125},
		{programError{&control.Error{Code: "no-space"}}, 125},
		{programError{control.ErrServerGone}, 125},
	}
	for _, tt := range tests {
		if got := exitCode(tt.err); got != tt.want {
			t.Errorf("exitCode(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

// parseRun parses a command line of run, up to where it would begin to act.
func parseRun(args ...string) (server.Config, []string, error) {
	var cfg server.Config
	var rest []string
	var f runFlags
	cmd := &cobra.Command{Use: "run"}
	f.add(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) (err error) {
		rest = args
		cfg, err = f.config()
		return err
	}
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetArgs(args)
	err := cmd.Execute()
	return cfg, rest, err
}

func TestRunConfig(t *testing.T) {
	def := parent.DefaultOptions()
	tests := []struct {
		args string
		cfg  server.Config
		rest []string
	}{
		{"", server.Config{History: 1 << 20, Options: def}, nil},
		{"ls -l", server.Config{History: 1 << 20, Options: def}, []string{"ls", "-l"}},
		{"-- ls --name x", server.Config{History: 1 << 20, Options: def}, []string{"ls", "--name", "x"}},
		{"-o mode=600 -omax=4,ptmxmode=0 -- a", server.Config{History: 1 << 20, Options: def + ",mode=600,max=4,ptmxmode=0"}, []string{"a"}},
		{"--history 64k --record /x/../tmp --record-input --record-v2 a", server.Config{Options: def, History: 64 << 10,
			RecordDir: "/tmp", RecordInput: true, RecordV2: true}, []string{"a"}},
		{"--history 0 a", server.Config{Options: def, History: -1}, []string{"a"}},
		{"--share-pts --pid a", server.Config{History: 1 << 20, SharePts: true, PidNS: true}, []string{"a"}},
		{"--ptmx=symlink --root /x/../y -d a", server.Config{History: 1 << 20, Options: def, Ptmx: "symlink", Root: "/y"}, []string{"a"}},
	}
	for _, tt := range tests {
		cfg, rest, err := parseRun(strings.Fields(tt.args)...)
		if err != nil {
			t.Errorf("run %s: %v", tt.args, err)
		}
		if diff := cmp.Diff(tt.cfg, cfg); diff != "" {
			t.Errorf("run %s: config (-want +got):\n%s", tt.args, diff)
		}
		if strings.Join(rest, " ") != strings.Join(tt.rest, " ") {
			t.Errorf("run %s: command %q, want %q", tt.args, rest, tt.rest)
		}
	}
	for _, args := range []string{"--ptmx=tapp x", "--ptmx=TAP x", "--name=a/b x", "--name=-a x", "--share-pts -o mode=600 x"} {
		if _, _, err := parseRun(strings.Fields(args)...); exitCode(err) != exitUsage {
			t.Errorf("run %s: %v, want a usage error", args, err)
		}
	}
}

func TestSplitExecArgs(t *testing.T) {
	tests := []struct{ args, name, argv, env string }{
		{"vs1 ls -l", "vs1", "ls -l", ""},
		{"vs1 -- ls -l", "vs1", "ls -l", ""},
		{"-e A=b vs1 -- ls -e", "vs1", "ls -e", "A=b"},
		{"-e A=b vs1 -e C=d -- ls -- -l", "vs1", "ls -- -l", "A=b C=d"},
	}
	for _, tt := range tests {
		var f programFlags
		cmd := &cobra.Command{Use: "exec"}
		cmd.Flags().SetInterspersed(false)
		f.add(cmd.Flags())
		if err := cmd.ParseFlags(strings.Fields(tt.args)); err != nil {
			t.Fatal(err)
		}
		name, argv, err := splitExecArgs(cmd, cmd.Flags().Args())
		if err != nil || name != tt.name || strings.Join(argv, " ") != tt.argv || strings.Join(f.env, " ") != tt.env {
			t.Errorf("exec %s: %q %q %q, %v", tt.args, name, argv, f.env, err)
		}
	}
}

func TestMergeEnv(t *testing.T) {
	got := mergeEnv([]string{"A=1", "B=2", "C=3"}, []string{"B=x", "D=", "B=y"})
	if diff := cmp.Diff([]string{"A=1", "C=3", "B=y", "D="}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseTarget(t *testing.T) {
	tests := []struct {
		in, name string
		index    int
	}{{"vs1", "vs1", -1}, {"vs1/0", "vs1", 0}, {"a.b-c_d/1048575", "a.b-c_d", 1048575}}
	for _, tt := range tests {
		name, index, err := parseTarget(tt.in)
		if err != nil || name != tt.name || index != tt.index {
			t.Errorf("parseTarget(%q) = %q, %d, %v", tt.in, name, index, err)
		}
	}
	for _, in := range []string{"", "/", "/0", "vs1/", "vs1/x", "vs1/-1", "vs1/00", "vs1/0/0", "../x", "vs1/1048576", ".", ".."} {
		if _, _, err := parseTarget(in); exitCode(err) != exitUsage {
			t.Errorf("parseTarget(%q): %v, want a usage error", in, err)
		}
	}
}

func TestPathOf(t *testing.T) {
	s := server.State{Name: "vs1", Path: "/run/vs1/pts", Terminals: []server.Terminal{{Index: 2}}}
	for index, want := range map[int]string{-1: "/run/vs1/pts", 2: "/run/vs1/pts/2"} {
		if got, err := pathOf(s, index); err != nil || got != want {
			t.Errorf("pathOf(%d) = %q, %v, want %q", index, got, err, want)
		}
	}
	if _, err := pathOf(s, 0); !errors.Is(err, server.ErrNoTerminal) || err.Error() != "vs1/0: no such terminal" {
		t.Errorf("pathOf(0): %v", err)
	}
	s.Path = "" // of a program's own
	for _, index := range []int{-1, 2} {
		if got, err := pathOf(s, index); err == nil || err.Error() != "vs1: its terminals are in no file system" {
			t.Errorf("pathOf(%d) without a file system = %q, %v", index, got, err)
		}
	}
}

func TestLsTable(t *testing.T) {
	created := time.Date(2026, 5, 1, 12, 0, 0, 0, time.Local)
	list := []parent.Listed{
		{State: server.State{Name: "vs1", Kind: "kernel", Ptmx: "tap", ServerPID: 10, InitPID: 11, Path: "/run/ptsns/vs1/pts", Created: created,
			Terminals: []server.Terminal{{ID: "vs1/0", UID: 0, GID: 5, Mode: "0620", Rows: 24, Cols: 80,
				Opener: server.Proc{PID: 10, Comm: "ptsns"}, Foreground: server.Proc{PID: 11, Comm: "e\x1bvil\n"},
				Viewers: []hub.ViewerInfo{{ID: 1}}, BytesIn: 3, BytesOut: 456789, Created: created}}}},
		{State: server.State{Name: "vs2", Kind: "virtual", Ptmx: "tap", ServerPID: 12, Path: "/a\x1b\nb", Created: created}},
		{State: server.State{Name: "own", Kind: "virtual", Ptmx: "tap", ServerPID: 13, Created: created}},
		{State: server.State{Name: "broken"}, Error: "its server does not answer"},
	}
	want := `NAME    KIND    PTMX  TERMINALS  SERVER  INIT  CREATED              PATH
vs1     kernel  tap   1          10      11    2026-05-01 12:00:00  /run/ptsns/vs1/pts
vs2     virtual  tap   0     12      -     2026-05-01 12:00:00  /a??b
own     virtual  tap   0     13      -     2026-05-01 12:00:00  -
broken  -       -     -          -       -     -                    its server does not answer

TERMINAL  SIZE   OWNER  MODE  OPENER     FOREGROUND    VIEWERS  IN  OUT     CREATED
vs1/0     24x80  0:5    0620  ptsns(10)  e?vil?(11)    1        3   456789  2026-05-01 12:00:00
`
	var b bytes.Buffer
	if err := showTable(&b, list); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(squeeze(want), squeeze(b.String())); diff != "" {
		t.Errorf("(-want +got):\n%s\n%s", diff, b.String())
	}
}

// squeeze makes one space of each run of them.
func squeeze(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(l), " ")
	}
	return strings.Join(lines, "\n")
}

// The names in --json are for programs and do not change.
func TestLsJSON(t *testing.T) {
	var b bytes.Buffer
	list := []parent.Listed{{State: server.State{Serial: "x", Terminals: []server.Terminal{{Serial: "x-1"}}}}}
	if err := showJSON(&b, list); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	proc := map[string]any{"pid": 0.0, "comm": ""}
	zero := "0001-01-01T00:00:00Z"
	want := []map[string]any{{
		"name": "", "serial": "x", "kind": "", "server_pid": 0.0, "init_pid": 0.0, "options": "", "ptmx": "", "path": "", "created": zero,
		"refused": 0.0, "opened": 0.0, "bytes_in": 0.0, "bytes_out": 0.0, "bytes_lost": 0.0,
		"terminals": []any{map[string]any{
			"id": "", "index": 0.0, "serial": "x-1", "uid": 0.0, "gid": 0.0, "mode": "", "rows": 0.0, "cols": 0.0, "opener": proc, "foreground": proc,
			"title": "", "viewers": nil, "recordings": nil, "bytes_in": 0.0, "bytes_out": 0.0, "bytes_lost": 0.0, "bytes_dropped": 0.0, "created": zero,
		}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestModuleVersion(t *testing.T) {
	info := func(version string, settings ...string) *debug.BuildInfo {
		b := &debug.BuildInfo{Main: debug.Module{Version: version}}
		for i := 0; i < len(settings); i += 2 {
			b.Settings = append(b.Settings, debug.BuildSetting{Key: settings[i], Value: settings[i+1]})
		}
		return b
	}
	const rev = "0123456789abcdef0123"
	tests := []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, "(unknown)"},
		{info(""), "(devel)"},
		{info("v1.2.3"), "v1.2.3"},
		{info("(devel)", "vcs.revision", rev), "(devel) (0123456789ab)"},
		{info("(devel)", "vcs.revision", rev, "vcs.modified", "true"), "(devel) (0123456789ab, modified)"},
		{info("v0.0.0-20260501120000-0123456789ab", "vcs.revision", rev), "v0.0.0-20260501120000-0123456789ab"},
	}
	for _, tt := range tests {
		if got := moduleVersion(tt.info); got != tt.want {
			t.Errorf("moduleVersion = %q, want %q", got, tt.want)
		}
	}
}
