package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/parent"
	"github.com/ptsns/ptsns/server"
	"github.com/ptsns/ptsns/webd"
	"github.com/spf13/pflag"
)

// webDoor shows the terminals in browsers.
type webDoor struct {
	addrs       []string
	tokenFile   string
	trustHeader string
	trustFrom   []string
	origin      string
	recordings  string
	readOnly    bool
	allowRemote bool

	cfg       webd.Config
	listeners []net.Listener
}

func (d *webDoor) addFlags(flags *pflag.FlagSet) {
	flags.StringArrayVar(&d.addrs, "web", nil, "serve a page with the terminals at `ADDR`, to whoever has the token (repeatable)")
	flags.StringVar(&d.tokenFile, "web-token-file", "", "the token is in `FILE`, which is made when it is not there; without it each start makes one")
	flags.StringVar(&d.trustHeader, "web-trust-header", "", "a proxy says in the header `NAME` who the user is; they need no token")
	flags.StringArrayVar(&d.trustFrom, "web-trust-from", nil, "the addresses `CIDR` at which that proxy is; the default is this machine, and so each of its users (repeatable)")
	flags.StringVar(&d.origin, "web-origin", "", "the page is also at `ORIGIN`, where a proxy shows it: https://HOST")
	flags.StringVar(&d.recordings, "web-recordings", "", "the page plays the recordings in `DIR`")
	flags.BoolVar(&d.readOnly, "web-read-only", false, "nobody types or opens a terminal through the page")
	flags.BoolVar(&d.allowRemote, "web-allow-remote", false, "let --web be an address that other machines reach, without TLS")
}

func (d *webDoor) enabled() bool { return len(d.addrs) > 0 }

func (d *webDoor) listen() (err error) {
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if err := d.configure(); err != nil {
		return err
	}
	for _, a := range d.addrs {
		addr, err := listenAddress("web", a)
		if err != nil {
			return err
		}
		if host, _, _ := net.SplitHostPort(addr); !d.allowRemote && !webd.IsLoopback(host) { // listenAddress made it
			return usagef("--web %q: others could listen in; put a proxy with TLS before a HOST of this machine, or say --web-allow-remote", a)
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return fmt.Errorf("web: %w", err)
		}
		d.listeners = append(d.listeners, l)
		d.say(l.Addr())
	}
	return nil
}

// say tells a person where to go.
func (d *webDoor) say(addr net.Addr) {
	page := "http://" + addr.String() + "/"
	if d.tokenFile == "" {
		page += "#token=" + url.QueryEscape(d.cfg.Token)
	}
	fmt.Fprintf(os.Stderr, "ptsns: web on %v: %s\n", addr, page)
	if d.tokenFile != "" {
		fmt.Fprintf(os.Stderr, "ptsns: web: the token is in %s\n", d.tokenFile)
	}
	if host, _, err := net.SplitHostPort(addr.String()); err == nil && !webd.IsLoopback(host) {
		fmt.Fprintln(os.Stderr, "ptsns: web: this is not encrypted: whoever is on the way reads and types; a proxy with TLS keeps them out")
	}
}

// configure makes the configuration of the flags.
func (d *webDoor) configure() (err error) {
	d.cfg = webd.Config{TrustHeader: d.trustHeader, Origin: d.origin, Recordings: d.recordings, ReadOnly: d.readOnly}
	if d.trustHeader == "" && len(d.trustFrom) > 0 {
		return usagef("--web-trust-from needs --web-trust-header")
	}
	from := d.trustFrom
	if len(from) == 0 {
		from = []string{"127.0.0.0/8", "::1/128"}
	}
	for _, s := range from {
		prefix, err := parsePrefix(s)
		if err != nil {
			return usagef("--web-trust-from %q: want an address or ADDRESS/BITS", s)
		}
		d.cfg.TrustFrom = append(d.cfg.TrustFrom, prefix)
	}
	d.cfg.Token = webd.NewToken()
	if d.tokenFile != "" {
		if d.cfg.Token, err = webd.TokenFrom(d.tokenFile); err != nil {
			return err
		}
	}
	return d.cfg.Check()
}

// parsePrefix reads addresses: one, or those that begin with the same bits.
func parsePrefix(s string) (netip.Prefix, error) {
	if strings.Contains(s, "/") {
		return netip.ParsePrefix(s)
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	return addr.Prefix(addr.BitLen())
}

func (d *webDoor) serve(ctx context.Context, p *parent.Parent, log *slog.Logger) error {
	defer d.close()
	d.cfg.Namespaces, d.cfg.Log = webNamespaces{p}, log.With("door", "web")
	s, err := webd.New(d.cfg)
	if err != nil {
		return fmt.Errorf("web: %w", err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error)
	for _, l := range d.listeners {
		go func() { ended <- s.Serve(ctx, l) }() // ends with ctx, or another's failure
	}
	var failed error
	for range d.listeners {
		if err := <-ended; err != nil {
			failed = errors.Join(failed, fmt.Errorf("web: %w", err))
		}
		cancel()
	}
	return failed
}

func (d *webDoor) close() {
	for _, l := range d.listeners {
		_ = l.Close() // may be closed already
	}
}

// webNamespaces are the namespaces as the page needs them.
type webNamespaces struct{ p *parent.Parent }

func (n webNamespaces) List(ctx context.Context) ([]webd.Namespace, error) {
	all, err := n.p.List(ctx)
	list := make([]webd.Namespace, len(all))
	for i, l := range all {
		list[i] = webd.Namespace{State: l.State, Error: l.Error}
	}
	return list, err
}

func (n webNamespaces) Attach(ctx context.Context, name string, index int, o control.AttachOptions) (webd.Stream, error) {
	s, err := namespaces(n).attach(ctx, name, index, o)
	if err != nil {
		return nil, err // not of a nil stream
	}
	return s, nil
}

// Start starts a shell: that of our environment, or where the namespace has no such file,
// /bin/sh. Of that environment it gets no more than a login would.
func (n webNamespaces) Start(ctx context.Context, name string, spec server.Spec) (int, string, error) {
	c, err := n.p.Dial(ctx, name)
	if err != nil {
		return 0, "", err
	}
	defer c.Close()
	spec.DirDefault, _ = os.UserHomeDir() // "" is /
	shells := []string{"/bin/sh"}
	if s := os.Getenv("SHELL"); s != "" && s != shells[0] {
		shells = []string{s, shells[0]}
	}
	var t *control.Terminal
	for _, shell := range shells {
		spec.Argv = []string{shell}
		spec.Env = append(loginEnv(os.Environ(), shell), "TERM=xterm-256color", "COLORTERM=truecolor")
		if t, err = c.Open(ctx, spec); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return 0, "", err
	}
	return t.Index(), t.Serial(), nil
}
