//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ptsns/ptsns/control"
	"github.com/ptsns/ptsns/internal/chromium"
	"github.com/ptsns/ptsns/server"
)

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
	p.Await(`/ 2,9 +All/.test(` + activeText + `) && !` + activeText + `.includes("INSERT")`) // vim shows that last
	other := b.Open(t, d.direct())                                                            // whose wire stays
	other.Click(`li[data-id="vs1/0"] [aria-label="Look on at vs1/0"]`)
	awaitShown(other, shown(p))

	d.wire.setCut(true)
	p.Await(`document.querySelector(".pane").dataset.state === "waiting" && document.querySelector(".note").textContent.includes("connection is lost")`)
	p.Type("i lost") // goes nowhere
	d.r.must("send", "vs1/0", "A // by another\\e")
	other.Await(`/ 2,23 +All/.test(` + activeText + `) && !` + activeText + `.includes("INSERT")`)
	d.wire.setCut(false)
	p.Await(`document.querySelector(".pane").dataset.state === "open" && document.querySelector(".note").hidden`)
	awaitShown(p, shown(other))

	p.Type("othird\x1b:wq\r")
	p.Await(`document.querySelector(".note").textContent.includes("status 0")`)
	if text, err := os.ReadFile(file); err != nil || string(text) != "int first; /* 日本 🙂 */\nreturn 2; // by another\nthird\n" {
		t.Errorf("saved %q, %v", text, err)
	}
	ownProblems(t, p, whileCut)
	ownProblems(t, other, "")
}

// Where a terminal has ended while the wire was cut, or the page was loaded again, the page
// says so, and shows no other that has its number by now.
func webSuccessor(t *testing.T, b *chromium.Browser) {
	d := serveWeb(t)
	d.r.must("run", "-d", "--name", "vs1", "--", "sleep", "1000")
	d.r.must("run", "-d", "--name", "vs2", "--", "sh", "-c", "echo the old vs2; sleep 1000")
	c := d.r.dial("vs1")
	start := func(script string) *control.Terminal {
		term, err := c.Open(t.Context(), server.Spec{Argv: []string{"sh", "-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")}, Rows: 24, Cols: 80})
		if err != nil || term.Index() != 1 {
			t.Fatalf("a program on %v: %v, want vs1/1", term, err)
		}
		return term
	}
	old := start("echo the old vs1/1; read x; exit 3")
	p := b.Open(t, d.url())
	openInPage(p, "vs2/0")
	awaitOnPage(p, "the old vs2")
	openInPage(p, "vs1/1")
	awaitOnPage(p, "the old vs1/1")

	d.wire.setCut(true)
	p.Await(`[...document.querySelectorAll(".pane")].every(e => e.dataset.state === "waiting")`)
	if err := old.Type("\r"); err != nil {
		t.Fatal(err)
	}
	if _, err := old.Await(control.Condition{Ended: true}); err != nil {
		t.Fatal(err)
	}
	start("echo the new vs1/1; sleep 1000")
	d.r.must("rm", "vs2")
	d.r.must("run", "-d", "--name", "vs2", "--", "sh", "-c", "echo the new vs2; sleep 1000")
	d.wire.setCut(false)
	p.Await(`document.querySelector("#pane-vs1-1").dataset.state === "ended" && document.querySelector("#pane-vs1-1 .note").textContent.includes("status 3")`)
	p.Await(`document.querySelector("#pane-vs2-0").dataset.state === "ended" && document.querySelector("#pane-vs2-0 .note").textContent.includes("has ended")`)
	awaitOnPage(p, "the old vs1/1")
	p.Await(`document.querySelector(".pane.active .detail").textContent === "another is vs1/1 now"`)

	openInPage(p, "vs1/1") // the new one, beside the old
	awaitOnPage(p, "the new vs1/1")
	p.Await(`document.querySelectorAll(".pane").length === 3 && document.querySelector("li.current").dataset.id === "vs1/1"`)
	p.Go("http://" + d.wire.addr + "/?again")
	awaitOnPage(p, "the new vs1/1")
	p.Await(`[...document.querySelectorAll(".pane")].map(e => e.dataset.state).join(" ") === "ended ended open"`)
	ownProblems(t, p, whileCut)
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
	p.Size(320, 600, 2)
	p.Await(`innerWidth === 320 && document.querySelector(".pane.active .role").getBoundingClientRect().right < 320 && document.querySelector(".pane.active .role").offsetWidth > 30`)
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
	p.Click("#settings-open")
	p.Click("#logout")
	p.Await(`document.querySelector("#login").open`)
	p.Go(d.url()) // the same page but for the token
	p.Await(`!document.querySelector("#login").open && document.querySelector('li[data-id="vs1/0"]')`)
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
	p.Type("echo size $(stty size)\r")
	awaitOnPage(p, size())
	before := size()
	p.Size(900, 500, 1)
	p.Await(fmt.Sprintf(`"size " + %s.children.length + " " !== %q`, activeRows, before))
	p.Await(`document.querySelector(".pane.active .detail").textContent.startsWith(` + activeRows + `.children.length + "×")`)
	p.Type("clear; echo size $(stty size)\r")
	awaitOnPage(p, size())
	for height := 500; height < 520; height += 3 { // the last row is whole, whatever is left below it
		p.Size(900, height, 1)
		p.Await(`(() => { const body = document.querySelector(".pane.active .screen"), inside = body.getBoundingClientRect().bottom - parseFloat(getComputedStyle(body).paddingBottom);
			const left = inside - ` + activeRows + `.getBoundingClientRect().bottom, row = ` + activeRows + `.firstChild.offsetHeight;
			return left >= 0 && left < row && innerHeight === ` + strconv.Itoa(height) + `; })()`)
	}
	p.Type("exit 3\r")
	p.Await(`document.querySelector(".note").textContent.includes("status 3")`)
	p.Await(`[...document.querySelectorAll(".pane.active .joined")].every(e => e.getClientRects().length === 0)`)
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
	p.Await(`document.querySelector("#status").textContent === "Copied"`) // it is not before it says so
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
	p.Await(`location.search === "?again"`)
	awaitOnPage(p, "still here")
	ownProblems(t, p, "")
}

// Somebody else can take the keyboard, and send the page away; it says so, and takes part
// again when that is asked of it.
func webRoles(t *testing.T, b *chromium.Browser) {
	d := serveWeb(t)
	d.r.must("run", "-d", "--name", "vs1", "--", "sh", "-c", "while read x; do echo \"got <$x>\"; done")
	p := b.Open(t, d.url())
	openInPage(p, "vs1/0")
	c := d.r.console("attach", "--steal", "vs1/0")
	p.Await(`document.querySelector(".pane.active .people").textContent.includes("keyboard taken")`)
	p.Type("by the page\r")
	p.Await(`document.querySelector(".pane.active .note").textContent.includes("keyboard for themselves")`)
	c.enter("by another\r")
	awaitOnPage(p, "got <by another>")
	d.r.must("kick", "vs1/0", "--all")
	p.Await(`document.querySelector(".pane.active").dataset.state === "refused" && document.querySelector(".note").textContent.includes("put out")`)
	p.Click(".pane.active .note button")
	p.Await(`document.querySelector(".pane.active").dataset.state === "open" && document.activeElement.closest(".pane.active")`)
	p.Type("again\r")
	awaitOnPage(p, "got <again>")
	var text string
	p.Eval(activeRows+".textContent", &text)
	if strings.Contains(text, "by the page") {
		t.Errorf("what was refused was typed: %q", text)
	}
	p.Click(".pane.active [aria-label^='Take the keyboard']")
	p.Await(`document.querySelector(".pane.active [aria-label^='Take the keyboard']").ariaPressed === "true" && document.querySelector(".pane.active").dataset.state === "open"`)
	p.Type("alone\r")
	awaitOnPage(p, "got <alone>")
	d.r.awaitViewers("vs1", 0, 1) // the page's line before this one has gone
	if viewers := func() string {
		term, _ := d.r.terminal("vs1", 0)
		return fmt.Sprint(len(term.Viewers), term.Viewers[0].Door, term.Viewers[0].Name, term.Viewers[0].Sole)
	}(); viewers != "1webtokentrue" {
		t.Errorf("the list shows %s", viewers)
	}
	ownProblems(t, p, "")
}
