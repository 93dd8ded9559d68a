package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ptsns/ptsns/parent"
	"github.com/spf13/pflag"
)

// fakeDoor is a door that does what it is told.
type fakeDoor struct {
	name    string
	address string
	other   string
	bind    error        // what listen returns
	fail    <-chan error // what serve returns, before ctx is done
	served  bool
	ended   bool
}

func (d *fakeDoor) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&d.address, d.name, "", "")
	flags.StringVar(&d.other, "a-"+d.name, "", "") // sorts first, and opens nothing
}
func (d *fakeDoor) enabled() bool { return d.address != "" }
func (d *fakeDoor) listen() error { return d.bind }
func (d *fakeDoor) serve(ctx context.Context, _ *parent.Parent, _ *slog.Logger) error {
	d.served = true
	defer func() { d.ended = true }()
	select {
	case err := <-d.fail:
		return err
	case <-ctx.Done():
		return nil
	}
}

func TestServeFlags(t *testing.T) {
	t.Setenv("PTSNS_RUNTIME_DIR", t.TempDir()+"/run")
	refused := errors.New("no such address")
	tests := []struct {
		args string
		want string // in the error
		code int
	}{
		{"", "no door is open: give --ssh or --web", exitUsage},
		{"--a-ssh x", "no door is open", exitUsage},
		{"--ssh x --log-format xml", `--log-format "xml": want text or json`, exitUsage},
		{"--ssh x --web y", "no such address", exitFailure},
	}
	for _, tt := range tests {
		doors := []door{&fakeDoor{name: "ssh"}, &fakeDoor{name: "web", bind: refused}}
		var f serveFlags
		flags := pflag.NewFlagSet("", pflag.ContinueOnError)
		f.add(flags, doors)
		if err := flags.Parse(strings.Fields(tt.args)); err != nil {
			t.Fatal(err)
		}
		err := f.run(t.Context(), io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) || exitCode(err) != tt.code {
			t.Errorf("serve %s: %v, want %q", tt.args, err, tt.want)
		}
		for _, d := range doors {
			if d.(*fakeDoor).served {
				t.Errorf("serve %s: a door was served", tt.args)
			}
		}
	}
}

// A signal ends all doors, and so does one of them that fails, with its error.
func TestServeDoors(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name string
		how  func(cancel func(), fail chan<- error)
		want string
	}{
		{"signal", func(cancel func(), _ chan<- error) { cancel() }, ""},
		{"failure", func(_ func(), fail chan<- error) { fail <- broken }, "broken"},
		{"end", func(_ func(), fail chan<- error) { fail <- nil }, "a door ended by itself"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fail := make(chan error, 1)
				a, b := &fakeDoor{fail: fail}, &fakeDoor{}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var log bytes.Buffer
				done := make(chan error)
				go func() {
					done <- serveDoors(ctx, []door{a, b}, nil, slog.New(slog.NewTextHandler(&log, nil)))
				}()
				synctest.Wait()
				if !a.served || !b.served || a.ended || b.ended {
					t.Error("the doors are not served")
				}
				tt.how(cancel, fail)
				err := <-done
				if !a.ended || !b.ended {
					t.Error("a door was left")
				}
				if tt.want == "" && err != nil || tt.want != "" && (err == nil || err.Error() != tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
			})
		})
	}
}
