package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/sshd"
	"github.com/spf13/pflag"
	"golang.org/x/crypto/ssh"
)

// sshDoor lets people in with an SSH client and a key.
type sshDoor struct {
	addrs   []string
	hostKey string
	keys    string

	listeners []net.Listener
	signer    ssh.Signer
}

func (d *sshDoor) addFlags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&d.addrs, "ssh", nil, "let SSH clients in at `ADDR` (repeatable): ssh vs1@HOST, vs1/0@HOST, or ptsns@HOST for a list")
	flags.StringVar(&d.keys, "ssh-authorized-keys", "", "the `FILE` of the keys that let in (default ~/.config/ptsns/authorized_keys)")
	flags.StringVar(&d.hostKey, "ssh-host-key", "", "the `FILE` of the host's private key, made when it is missing (default ssh_host_ed25519_key beside authorized_keys)")
}

func (d *sshDoor) enabled() bool { return len(d.addrs) > 0 }

func (d *sshDoor) listen() (err error) {
	if err := d.findFiles(); err != nil {
		return fmt.Errorf("ssh: %w", err)
	}
	if d.signer, err = sshd.HostKey(d.hostKey); err != nil {
		return fmt.Errorf("ssh: %w", err)
	}
	n, wrong, err := sshd.Keys(d.keys).Check()
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("ssh: %w", err)
	case n == 0:
		fmt.Fprintf(os.Stderr, "ptsns: ssh: no key lets anybody in: put public keys into %s\n", d.keys)
	}
	for _, err := range wrong {
		fmt.Fprintf(os.Stderr, "ptsns: ssh: %v\n", err)
	}
	for _, addr := range d.addrs {
		if addr, err = listenAddress("ssh", addr); err != nil {
			return err
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("ssh: %w", err)
		}
		d.listeners = append(d.listeners, l)
		fmt.Fprintf(os.Stderr, "ptsns: ssh on %v\n", l.Addr())
	}
	fmt.Fprintf(os.Stderr, "ptsns: ssh host key %s\n", ssh.FingerprintSHA256(d.signer.PublicKey()))
	return nil
}

// findFiles says where the files are for which no flag was given.
func (d *sshDoor) findFiles() error {
	if d.keys == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return err
		}
		d.keys = filepath.Join(config, "ptsns", "authorized_keys")
	}
	if d.hostKey == "" {
		d.hostKey = filepath.Join(filepath.Dir(d.keys), "ssh_host_ed25519_key")
	}
	return nil
}

func (d *sshDoor) serve(ctx context.Context, p *parent.Parent, log *slog.Logger) error {
	shell := os.Getenv("SHELL")
	if !filepath.IsAbs(shell) {
		shell = "/bin/sh"
	}
	env := loginEnv(os.Environ(), shell)
	host, _ := os.Hostname() // the picker can do without
	s := sshd.New(sshd.Config{
		HostKey: d.signer, Keys: sshd.Keys(d.keys), Namespaces: namespaces{p}, Shell: shell, Env: env, Dir: os.Getenv("HOME"), Host: host,
		Log: log,
	})
	if err := s.Serve(ctx, d.listeners...); err != nil {
		return fmt.Errorf("ssh: %w", err)
	}
	return nil
}

// loginEnv is what the programs of people at a door have of the environment of this process:
// who its user is, and where programs are. The rest is about this process, and may be secret.
func loginEnv(environ []string, shell string) []string {
	env := []string{"SHELL=" + shell}
	have := map[string]bool{"SHELL": true}
	for _, kv := range environ {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "HOME", "USER", "LOGNAME", "PATH", "LANG", "TZ":
			if !have[name] {
				env = append(env, kv)
			}
			have[name] = true
		}
	}
	if u, err := user.Current(); err == nil && !have["USER"] && !have["LOGNAME"] {
		env = append(env, "USER="+u.Username, "LOGNAME="+u.Username)
	}
	return env
}

// namespaces are the parent's, as doors see them.
type namespaces struct{ p *parent.Parent }

func (n namespaces) List(ctx context.Context) ([]sshd.Namespace, error) {
	all, err := n.p.List(ctx)
	list := make([]sshd.Namespace, len(all))
	for i, l := range all {
		list[i] = sshd.Namespace{State: l.State, Error: l.Error}
	}
	return list, err
}

func (n namespaces) Attach(ctx context.Context, name string, index int, o control.AttachOptions) (sshd.Stream, error) {
	s, err := n.attach(ctx, name, index, o)
	if err != nil {
		return nil, err // not of a nil stream
	}
	return s, nil
}

func (n namespaces) attach(ctx context.Context, name string, index int, o control.AttachOptions) (*control.Stream, error) {
	return n.stream(ctx, name, func(c *control.Client) (*control.Stream, error) { return c.Attach(ctx, index, o) })
}

func (n namespaces) Start(ctx context.Context, name string, spec server.Spec) (sshd.Stream, error) {
	s, err := n.stream(ctx, name, func(c *control.Client) (*control.Stream, error) { return c.StartAttached(ctx, spec) })
	if err != nil {
		return nil, err
	}
	return s, nil
}

// stream makes a stream of a connection to the server of a namespace.
func (n namespaces) stream(ctx context.Context, name string, begin func(*control.Client) (*control.Stream, error)) (*control.Stream, error) {
	c, err := n.p.Dial(ctx, name)
	if err != nil {
		return nil, err
	}
	defer c.Close() // not of a stream
	return begin(c)
}
