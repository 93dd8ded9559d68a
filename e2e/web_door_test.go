//go:build linux

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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
	token string
	wire  *wire
	casts string
}

var webLine = regexp.MustCompile(`^ptsns: web on (\S+): http://\S+#token=(\S+)$`)

func serveWeb(t *testing.T, args ...string) *webDoor {
	t.Helper()
	d := &webDoor{r: newRuntime(t), casts: publicDir(t)}
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
	d.token, d.wire = m[2], newWire(t, m[1])
	return d
}

func (d *webDoor) url() string { return "http://" + d.wire.addr + "/#token=" + d.token }

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

const activeRows = `document.querySelector(".pane.active .xterm-rows")`

// openInPage opens a terminal from the list and waits until it has the focus.
func openInPage(p *chromium.Page, id string) {
	p.Click(fmt.Sprintf(`li[data-id=%q] .open`, id))
	p.Await(`document.querySelector(".pane.active")?.dataset.state === "open" && document.activeElement.closest(".pane.active")`)
}

// awaitOnPage waits until the terminal in front shows text.
func awaitOnPage(p *chromium.Page, text string) {
	p.Await(fmt.Sprintf(`%s.textContent.replaceAll("\u00a0", " ").includes(%q)`, activeRows, text))
}

// shown is the screen in front with its colours, a line a row, without the cursor and the
// blanks at the ends of lines, which look the same whether they were written or not.
func shown(p *chromium.Page) (rows []string) {
	p.Eval(`[...`+activeRows+`.children].map(row => {
		const copy = row.cloneNode(true);
		for (const c of copy.querySelectorAll(".xterm-cursor")) c.classList.remove(...[...c.classList].filter(n => n.startsWith("xterm-cursor")));
		return copy.innerHTML.replaceAll(' class=""', "").replace(/ +<\/span>$/, "</span>").replace("<span></span>", "");
	})`, &rows)
	return rows
}

// ownProblems fails the test for what went wrong in the page, but for what matches.
func ownProblems(t *testing.T, p *chromium.Page, expected string) {
	t.Helper()
	for _, problem := range p.Problems() {
		if expected == "" || !strings.Contains(problem, expected) {
			t.Errorf("in the page: %s", problem)
		}
	}
}

func needChromium(t *testing.T) {
	t.Helper()
	need(t, chromium.Program)
	if _, err := exec.LookPath(chromium.Program); err != nil {
		t.Skipf("needs the program %s in PATH", chromium.Program)
	}
}

func TestWebDoor(t *testing.T) {
	needChromium(t)
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
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, b)
		})
	}
}

// What was typed into vim is there, also after the network was gone, and what happened
// meanwhile is there too.
func webVim(t *testing.T, b *chromium.Browser) {
	need(t, "vim")
	d := serveWeb(t)
	file := filepath.Join(publicDir(t), "text")
	d.r.must("run", "-d", "--name", "vs1", "--", "vim", "-u", "NONE", "-N", "-n", "-c", "syntax on", "-c", "set ruler ft=c", file)
	p := b.Open(t, d.url())
	openInPage(p, "vs1/0")
	p.Type("iint first; /* 日本 🙂 */\rreturn 2;\x1b")
	awaitOnPage(p, "2,9")
	before := shown(p)

	d.wire.setCut(true)
	p.Await(`document.querySelector(".pane").dataset.state === "waiting" && document.querySelector(".note").textContent.includes("connection is lost")`)
	p.Type("i lost") // goes nowhere
	d.wire.setCut(false)
	p.Await(`document.querySelector(".pane").dataset.state === "open" && document.querySelector(".note").hidden`)
	awaitOnPage(p, "2,9")
	if after := shown(p); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Errorf("after the cut the page shows\n%s\nbefore\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}

	p.Type("othird\x1b:wq\r")
	p.Await(`document.querySelector(".note").textContent.includes("status 0")`)
	if text, err := os.ReadFile(file); err != nil || string(text) != "int first; /* 日本 🙂 */\nreturn 2;\nthird\n" {
		t.Errorf("saved %q, %v", text, err)
	}
	ownProblems(t, p, "ERR_") // what failed while the wire was cut
}

// Nothing gets in from a page that looks on: not what is typed, and not what the page's
// terminal answers to programs.
func webReadOnly(t *testing.T, b *chromium.Browser) {
	d := serveWeb(t)
	script := writeScript(t, "#!/bin/sh\nprintf '\\033[c\\033[6n\\033[>c\\005ready'\nread x\nprintf \"got <$x>\\n\"\nread x\n")
	d.r.must("run", "-d", "--name", "vs1", "--", script)
	p := b.Open(t, d.url())
	p.Click(`li[data-id="vs1/0"] [aria-label="Look on at vs1/0"]`)
	awaitOnPage(p, "ready")
	p.Eval(`document.querySelector(".pane.active .xterm-helper-textarea").focus()`, nil)
	p.Type("typed\r")
	p.Eval(`{ const e = new ClipboardEvent("paste", { clipboardData: new DataTransfer() }); e.clipboardData.setData("text/plain", "pasted");
		document.querySelector(".pane.active .xterm-helper-textarea").dispatchEvent(e); }`, nil)
	c := d.r.console("attach", "vs1/0") // somebody else types
	c.enter("by another\r")
	awaitOnPage(p, "got <by another>")
	if term, ok := d.r.terminal("vs1", 0); !ok || int(term.BytesIn) != len("by another\r") {
		t.Errorf("%d bytes came in, want those of %q", term.BytesIn, "by another\r")
	}
	p.Await(`document.querySelector(".pane.active.read-only[data-state=open]")`)
	ownProblems(t, p, "")
}

func webTokens(t *testing.T, b *chromium.Browser) {
	d := serveWeb(t)
	d.r.must("run", "-d", "--name", "vs1", "--", "sleep", "1000")
	p := b.Open(t, "http://"+d.wire.addr+"/#token=wrong")
	p.Await(`document.querySelector("#login").open && document.querySelector("#login-error").textContent`)
	var address string
	p.Eval("location.href", &address)
	if strings.Contains(address, "token") {
		t.Errorf("the token stays in the address %s", address)
	}
	var rows int
	p.Eval(`document.querySelectorAll("#namespaces li").length`, &rows)
	if rows != 0 {
		t.Error("the list shows without a token")
	}
	p.Eval(`document.querySelector("#login-token").focus()`, nil)
	p.Type("wrong again\r")
	p.Await(`document.querySelector("#login").open && document.querySelector("#login-error").textContent`)
	p.Eval(`document.querySelector("#login-token").value = ""`, nil)
	p.Type(d.token + "\r")
	p.Await(`!document.querySelector("#login").open && document.querySelector('li[data-id="vs1/0"]')`)
	var cookies string
	p.Eval("document.cookie", &cookies)
	if cookies != "" {
		t.Errorf("scripts see the cookie %q", cookies)
	}
	ownProblems(t, p, "401")
}

// A new terminal has the size of its pane from the first command on, and follows it.
func webNewTerminal(t *testing.T, b *chromium.Browser) {
	d := serveWeb(t)
	d.r.must("run", "-d", "--name", "vs1", "--", "sleep", "1000")
	p := b.Open(t, d.url())
	p.Click(`[aria-label="New terminal in vs1"]`)
	p.Await(`document.querySelector("#pane-vs1-1")?.dataset.state === "open" && document.activeElement.closest(".pane.active")`)
	size := func() string {
		// What the terminal has is what its pane has room for.
		var rows int
		p.Eval(activeRows+".children.length", &rows)
		return fmt.Sprint("size ", rows, " ")
	}
	p.Type("echo size $(stty size) $(tput -T xterm cols)\r")
	awaitOnPage(p, size())
	before := size()
	p.Size(900, 500, 1)
	p.Await(fmt.Sprintf(`"size " + %s.children.length + " " !== %q`, activeRows, before))
	p.Type("clear; while sleep 0.05; do echo size $(stty size) .; done\r")
	awaitOnPage(p, size())
	p.Await(`document.querySelector(".pane.active .detail").textContent.startsWith(` + activeRows + `.children.length + "×")`)
	p.Key("c", "KeyC", 'C', chromium.Ctrl)
	p.Type("exit 3\r")
	p.Await(`document.querySelector(".note").textContent.includes("status 3")`)
	p.Await(`!document.querySelector('li[data-id="vs1/1"]')`)
	ownProblems(t, p, "")
}

// A page keeps up with, or is told what it missed of, a program that prints much; it ends
// with the same screen.
func webMuchOutput(t *testing.T, b *chromium.Browser) {
	d := serveWeb(t)
	d.r.must("run", "-d", "--name", "vs1", "--", "sh")
	p := b.Open(t, d.url())
	openInPage(p, "vs1/0")
	p.Type("seq -f 'line %.0f of a long text' 1 200000; echo th''at was all\r")
	awaitOnPage(p, "that was all")
	awaitOnPage(p, "line 200000 of a long text")
	ownProblems(t, p, "")
}

func webRecordings(t *testing.T, b *chromium.Browser) {
	d := serveWeb(t)
	for name, text := range map[string]string{
		"three.cast": `{"version":3,"term":{"cols":40,"rows":8},"title":"a title"}` + "\n#a comment\n" + `[0.0,"o","one \u001b[31mred\u001b[0m\u001b[c "]` + "\n" +
			`[0.1,"o","two "]` + "\n" + `[60,"r","50x10"]` + "\n" + `[0.1,"o","three"]` + "\n" + `[0.1,"x","0"]` + "\n" + `[0.1,"o",`,
		"two.cast":  `{"version":2,"width":30,"height":5}` + "\n" + `[0.1,"o","first "]` + "\n" + `[0.2,"#","=link"]` + "\n" + `[0.3,"o","second"]` + "\n",
		"none.cast": "no cast at all\n",
	} {
		if err := os.WriteFile(filepath.Join(d.casts, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := b.Open(t, d.url())
	open := func(name string) {
		p.Await(`document.querySelectorAll("#recordings-list .open").length === 3`)
		p.Eval(fmt.Sprintf(`[...document.querySelectorAll("#recordings-list .open")].find(e => e.textContent.startsWith(%q)).click()`, name), nil)
	}
	open("three")
	p.Eval(`document.querySelector(".pane.active [aria-label=Speed]").value = "16"`, nil)
	awaitOnPage(p, "one red two three") // the minute between was cut short
	p.Await(activeRows + `.children.length === 10 && document.querySelector(".pane.active [aria-label^=Play]")`)
	p.Eval(`{ const s = document.querySelector(".pane.active .seek"); s.value = 0.05; s.dispatchEvent(new Event("input")); }`, nil)
	p.Await(activeRows + `.children.length === 8 && ` + activeRows + `.textContent.trim() === "one red"`)
	p.Key("End", "End", 35, 0)
	p.Eval(`document.querySelector(".pane.active").focus()`, nil)
	open("two")
	awaitOnPage(p, "first second")
	open("none")
	p.Await(`document.querySelector(".pane.active .note").textContent.includes("no asciicast")`)
	ownProblems(t, p, "")
}

func webClipboard(t *testing.T, b *chromium.Browser) {
	d := serveWeb(t)
	d.r.must("run", "-d", "--name", "vs1", "--", "sh")
	p := b.Open(t, d.url())
	p.Grant()
	openInPage(p, "vs1/0")
	p.Type("clear; echo pick''able\r")
	awaitOnPage(p, "pickable")
	var at struct{ X, Y, Width, Height float64 }
	p.Eval(`(() => { const row = [...`+activeRows+`.children].find(r => r.textContent.startsWith("pickable"));
		const box = row.getBoundingClientRect(), cell = document.querySelector(".pane.active .xterm-screen").offsetWidth;
		return { x: box.x, y: box.y + box.height / 2, width: cell, height: box.height }; })()`, &at)
	p.Drag(at.X+2, at.Y, at.X+90, at.Y)
	p.Await(`!document.querySelector(".pane.active [aria-label^=Copy]").disabled`)
	p.Key("C", "KeyC", 'C', chromium.Ctrl|chromium.Shift)
	p.Await(`document.querySelector(".pane.active [aria-label^=Copy]").disabled`)
	var copied string
	p.Eval("navigator.clipboard.readText()", &copied)
	if !strings.HasPrefix(copied, "pickable") {
		t.Errorf("copied %q", copied)
	}
	p.Eval(`navigator.clipboard.writeText("echo pas''ted\n")`, nil)
	p.Click(`.pane.active [aria-label^=Paste]`)
	awaitOnPage(p, "pasted")
	ownProblems(t, p, "")
}

// All of it can be reached with the keyboard and has a name for a screen reader.
func webAccess(t *testing.T, b *chromium.Browser) {
	d := serveWeb(t)
	d.r.must("run", "-d", "--name", "vs1", "--", "sh", "-c", "echo for the reader; sleep 1000")
	d.r.must("run", "-d", "--name", "vs2", "--", "sleep", "1000")
	p := b.Open(t, d.url())
	p.Await(`document.querySelectorAll("#namespaces .open").length === 2`)
	focused := func(selector string) {
		t.Helper()
		p.Await(fmt.Sprintf(`document.activeElement.matches(%q)`, selector))
	}
	list := func() { p.Key("L", "KeyL", 'L', chromium.Ctrl|chromium.Shift) }
	list()
	focused(`li[data-id="vs1/0"] .open`)
	p.Key("Enter", "Enter", 13, 0)
	focused("#pane-vs1-0 textarea")
	list()
	p.Key("ArrowDown", "ArrowDown", 40, 0)
	focused(`li[data-id="vs2/0"] .open`)
	p.Key("Enter", "Enter", 13, 0)
	focused("#pane-vs2-0 textarea")
	p.Key("ArrowLeft", "ArrowLeft", 37, chromium.Ctrl|chromium.Shift)
	focused("#pane-vs1-0 textarea")
	p.Await(`document.querySelector("#status").textContent.includes("joined")`)
	p.Click("#settings-open")
	p.Click("#reader")
	p.Key("Escape", "Escape", 27, 0)
	p.Await(`document.querySelector(".pane.active .xterm-accessibility")?.textContent.includes("for the reader")`)
	tree := strings.Join(p.Tree(), "\n")
	for _, want := range []string{"navigation Namespaces, terminals and recordings", "heading vs1", "button vs1/0, sh, ", "button New terminal in vs1",
		"tablist Open terminals", "tab vs1/0 sh", "tabpanel Terminal vs1/0", "textbox Terminal vs1/0. Control shift L leaves it.", "status", "listitem"} {
		if !strings.Contains(tree, want) {
			t.Errorf("no %q for a screen reader in\n%s", want, tree)
		}
	}
	if bare := regexp.MustCompile(`(?m)^(button|textbox|combobox|slider|tab|checkbox) $`).FindString(tree); bare != "" {
		t.Errorf("a %swithout a name in\n%s", bare, tree)
	}
	ownProblems(t, p, "")
}

func webServerDies(t *testing.T, b *chromium.Browser) {
	d := serveWeb(t)
	d.r.must("run", "-d", "--name", "vs1", "--", "sleep", "1000")
	p := b.Open(t, d.url())
	openInPage(p, "vs1/0")
	pid := d.r.state("vs1").ServerPID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.Await(`document.querySelector(".pane").dataset.state === "ended" && document.querySelector(".note.bad").textContent.includes("died")`)
	awaitExit(t, pid)
	p.Await(`document.querySelector("#namespaces").textContent.includes("no namespace")`)
	ownProblems(t, p, "")
}

// A page that is loaded again has open what was.
func webReload(t *testing.T, b *chromium.Browser) {
	d := serveWeb(t)
	d.r.must("run", "-d", "--name", "vs1", "--", "sh", "-c", "echo still here; sleep 1000")
	p := b.Open(t, d.url())
	openInPage(p, "vs1/0")
	awaitOnPage(p, "still here")
	p.Go("http://" + d.wire.addr + "/?again")
	awaitOnPage(p, "still here")
	ownProblems(t, p, "")
}
