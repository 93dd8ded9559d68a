package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/server"
	"github.com/spf13/pflag"
)

func newWebDoor(t *testing.T, args ...string) *webDoor {
	t.Helper()
	d := &webDoor{}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	d.addFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return d
}

// What would let in more than was meant is refused before anything is bound.
func TestWebDoorRefuses(t *testing.T) {
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	if err := os.WriteFile(open, []byte("a token that all can read\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const here = "--web 127.0.0.1:0 "
	for _, tt := range []struct {
		args, want string
		code       int
	}{
		{"--web 0.0.0.0:0", "--web-allow-remote", exitUsage},
		{"--web [::]:0", "--web-allow-remote", exitUsage},
		{"--web example.com:0", "--web-allow-remote", exitUsage},
		{"--web 8022", "want HOST:PORT", exitUsage},
		{here + "--web-token-file " + open, "others may use it", exitFailure},
		{here + "--web-trust-from 10.0.0.0/8", "needs --web-trust-header", exitUsage},
		{here + "--web-trust-header X-User --web-trust-from all", "want an address or ADDRESS/BITS", exitUsage},
		{here + "--web-origin example.com", "want SCHEME://HOST", exitFailure},
		{here + "--web-recordings " + filepath.Join(dir, "none"), "no such file", exitFailure},
		{here + "--web-recordings " + open, "not a directory", exitFailure},
	} {
		d := newWebDoor(t, strings.Fields(tt.args)...)
		err := d.listen()
		if err == nil || !strings.Contains(err.Error(), tt.want) || exitCode(err) != tt.code {
			t.Errorf("%s: %v (exit %d), want %q (exit %d)", tt.args, err, exitCode(err), tt.want, tt.code)
		}
		d.close()
	}
}

func TestWebDoorTrustFrom(t *testing.T) {
	for args, want := range map[string]string{
		"": "127.0.0.0/8 ::1/128",
		"--web-trust-header X-User --web-trust-from 10.0.0.1 --web-trust-from fd00::/8": "10.0.0.1/32 fd00::/8",
	} {
		d := newWebDoor(t, strings.Fields(args)...)
		if err := d.configure(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range d.cfg.TrustFrom {
			got = append(got, p.String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %s", args, got, want)
		}
	}
}

// A shell that is opened through the page has the environment of a login, and nothing of
// what only concerns the process of the door.
func TestWebDoorEnvironment(t *testing.T) {
	w := newWorld(t)
	w.output("run", "-d", "--name", "vs1", "--", "cat")
	t.Setenv("PTSNS_RUNTIME_DIR", w.dir)
	t.Setenv("SHELL", "/bin/sh")
	t.Setenv("DOOR_SECRET", "opensesame")
	p, err := parent.Open()
	if err != nil {
		t.Fatal(err)
	}
	index, _, err := webNamespaces{p}.Start(t.Context(), "vs1", server.Spec{Rows: 50, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Dial(t.Context(), "vs1")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	seen, err := c.Terminal(t.Context(), index).Ask("env; echo en''d\r", control.Text("end\r"))
	if err != nil || !strings.Contains(seen.Text, "TERM=xterm-256color") || !strings.Contains(seen.Text, "PATH=") ||
		strings.Contains(seen.Text, "opensesame") {
		t.Errorf("%v\n%s", err, seen.Text)
	}
}

// The door is served at each of its addresses until the end of ctx.
func TestWebDoorServes(t *testing.T) {
	t.Setenv("PTSNS_RUNTIME_DIR", t.TempDir()+"/run")
	p, err := parent.Open()
	if err != nil {
		t.Fatal(err)
	}
	d := newWebDoor(t, "--web", "127.0.0.1:0", "--web", "localhost:0")
	if err := d.listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- d.serve(ctx, p, slog.New(slog.DiscardHandler)) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, l := range d.listeners {
		resp, err := client.Get("http://" + l.Addr().String() + "/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // read
		if err != nil || !strings.Contains(string(body), "<title>ptsns</title>") {
			t.Errorf("%v: %.80q, %v", l.Addr(), body, err)
		}
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
