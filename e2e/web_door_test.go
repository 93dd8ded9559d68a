//go:build linux

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/ptsns/ptsns/internal/chromium"
)

// webDoor is a ptsns serve with a page, and a wire to it that can be cut.
type webDoor struct {
	r     *runtimeDir
	addr  string
	token string
	wire  *wire
	casts string
}

var webLine = regexp.MustCompile(`^ptsns: web on (\S+): http://\S+#token=(\S+)$`)

func serveWeb(t *testing.T, args ...string) *webDoor {
	t.Helper()
	return serveWebFor(t, newRuntime(t), args...)
}

// serveWebFor is serveWeb for what is in r.
func serveWebFor(t *testing.T, r *runtimeDir, args ...string) *webDoor {
	t.Helper()
	d := &webDoor{r: r, casts: publicDir(t)}
	d.r.env = append(d.r.env, "SHELL=/bin/sh")
	cmd := d.r.command(append([]string{"serve", "--web", "127.0.0.1:0", "--web-recordings", d.casts}, args...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stderr)
	line, err := lines.ReadString('\n')
	m := webLine.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		_ = cmd.Process.Kill()
		t.Fatalf("serve says %q, %v", line, err)
	}
	logged := make(chan string, 1)
	go func() { // ends with serve
		text, _ := io.ReadAll(lines) // for the message
		logged <- string(text)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // what is wrong with that, Wait tells
		log := <-logged
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("serve: %v\n%s", err, log)
		}
	})
	d.addr, d.token, d.wire = m[1], m[2], newWire(t, m[1])
	return d
}

func (d *webDoor) url() string { return "http://" + d.wire.addr + "/#token=" + d.token }

// direct is the page without the wire.
func (d *webDoor) direct() string { return "http://" + d.addr + "/#token=" + d.token }

// wire is a relay of connections.
type wire struct {
	addr, to string

	mu    sync.Mutex
	cut   bool                  // guarded by mu
	conns map[net.Conn]struct{} // guarded by mu; both ends of each
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{addr: l.Addr().String(), to: to, conns: make(map[net.Conn]struct{})}
	var relays sync.WaitGroup
	relays.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			relays.Go(func() { w.relay(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.setCut(true)
		relays.Wait()
	})
	return w
}

func (w *wire) relay(a net.Conn) {
	defer a.Close()
	b, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer b.Close()
	w.mu.Lock()
	cut := w.cut
	w.conns[a], w.conns[b] = struct{}{}, struct{}{}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.conns, a)
		delete(w.conns, b)
	}()
	if cut {
		return
	}
	var ways sync.WaitGroup
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		ways.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // until either end closes, or the wire is cut
			_, _ = way[0].Close(), way[1].Close()
		})
	}
	ways.Wait()
}

// setCut cuts the wire, or mends it.
func (w *wire) setCut(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	if cut {
		for c := range w.conns {
			_ = c.Close() // ends its relay
		}
	}
}

const (
	activeRows = `document.querySelector(".pane.active .xterm-rows")`
	activeText = activeRows + `.textContent.replaceAll("\u00a0", " ")`
	// activeShown is the screen in front with its colours, a string a row, without the cursor
	// and the blanks at the ends of lines, which look the same whether they were written or not.
	activeShown = `[...` + activeRows + `.children].map(row => {
		const copy = row.cloneNode(true);
		for (const c of copy.querySelectorAll(".xterm-cursor")) c.classList.remove(...[...c.classList].filter(n => n.startsWith("xterm-cursor")));
		return copy.innerHTML.replaceAll(' class=""', "").replace(/ +<\/span>$/, "</span>").replace("<span></span>", "");
	})`
)

// openInPage opens a terminal from the list and waits until it has the focus.
func openInPage(p *chromium.Page, id string) {
	p.Click(fmt.Sprintf(`li[data-id=%q] .open`, id))
	p.Await(`document.querySelector(".pane.active")?.dataset.state === "open" && document.activeElement.closest(".pane.active")`)
}

// awaitOnPage waits until the terminal in front shows text.
func awaitOnPage(p *chromium.Page, text string) {
	p.Await(fmt.Sprintf(`%s.includes(%q)`, activeText, text))
}

// shown is what the terminal in front shows: see activeShown.
func shown(p *chromium.Page) (rows []string) {
	p.Eval(activeShown, &rows)
	return rows
}

// awaitShown waits until the terminal in front shows that. A screen is painted in any number
// of steps.
func awaitShown(p *chromium.Page, rows []string) {
	want, err := json.Marshal(rows)
	if err != nil {
		panic(err) // they are strings
	}
	p.Await(fmt.Sprintf(`JSON.stringify(%s) === JSON.stringify(%s)`, activeShown, want))
}

// whileCut matches what a browser says of requests that meet a cut wire.
const whileCut = "ERR_|closed before receiving a handshake response"

// ownProblems fails the test for what went wrong in the page, but for what matches.
func ownProblems(t *testing.T, p *chromium.Page, expected string) {
	t.Helper()
	for _, problem := range p.Problems() {
		if expected == "" || !regexp.MustCompile(expected).MatchString(problem) {
			t.Errorf("in the page: %s", problem)
		}
	}
}

func TestWebDoor(t *testing.T) {
	need(t, chromium.Program)
	b := chromium.Start(t)
	for name, test := range map[string]func(*testing.T, *chromium.Browser){
		"vim and a cut wire":    webVim,
		"looking on":            webReadOnly,
		"tokens":                webTokens,
		"a new terminal's size": webNewTerminal,
		"much output":           webMuchOutput,
		"recordings":            webRecordings,
		"the clipboard":         webClipboard,
		"keys and names":        webAccess,
		"a server that dies":    webServerDies,
		"a reload":              webReload,
		"another in its place":  webSuccessor,
		"kicks and steals":      webRoles,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, b)
		})
	}
}
