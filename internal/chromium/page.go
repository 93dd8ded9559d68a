//go:build linux

package chromium

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync"
	"testing"
)

// Page is one tab. Its methods fail the test where the browser does not do what they say.
type Page struct {
	b       *Browser
	t       testing.TB
	context string // cookies and permissions are its own
	session string

	mu       sync.Mutex
	problems []string // guarded by mu
}

// Open opens a tab in a browser context of its own: no other's cookies are in it.
func (b *Browser) Open(t testing.TB, url string) *Page {
	t.Helper()
	var made struct{ BrowserContextID string }
	p := &Page{b: b, t: t}
	p.must(b.call("", "Target.createBrowserContext", map[string]any{}, &made))
	p.context = made.BrowserContextID
	t.Cleanup(func() {
		_ = b.call("", "Target.disposeBrowserContext", map[string]any{"browserContextId": p.context}, nil)
	}) // the browser goes soon
	p.attach()
	p.Go(url)
	return p
}

func (p *Page) attach() {
	p.t.Helper()
	var target struct{ TargetID string }
	p.must(p.b.call("", "Target.createTarget", map[string]any{"url": "about:blank", "browserContextId": p.context}, &target))
	var session struct{ SessionID string }
	p.must(p.b.call("", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session))
	p.session = session.SessionID
	p.b.mu.Lock()
	p.b.pages[p.session] = p
	p.b.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		p.do(domain+".enable", nil)
	}
	p.do("Emulation.setFocusEmulationEnabled", map[string]any{"enabled": true}) // there are several pages
	p.Size(1200, 760, 1)
}

func (p *Page) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("chromium: %v", err)
	}
}

func (p *Page) do(method string, params map[string]any) {
	p.t.Helper()
	if params == nil {
		params = map[string]any{}
	}
	p.must(p.b.call(p.session, method, params, nil))
}

// event keeps what went wrong in the page.
func (p *Page) event(method string, params json.RawMessage) {
	var e struct {
		ExceptionDetails struct {
			Text      string
			Exception struct{ Description string }
		}
		Entry struct{ Level, Text, URL string }
		Type  string
	}
	if json.Unmarshal(params, &e) != nil {
		return
	}
	problem := ""
	switch {
	case method == "Runtime.exceptionThrown":
		problem = e.ExceptionDetails.Text + " " + e.ExceptionDetails.Exception.Description
	case method == "Log.entryAdded" && e.Entry.Level == "error":
		problem = e.Entry.Text + " " + e.Entry.URL
	case method == "Runtime.consoleAPICalled" && (e.Type == "error" || e.Type == "assert"):
		problem = string(params)
	default:
		return
	}
	p.mu.Lock()
	p.problems = append(p.problems, problem)
	p.mu.Unlock()
}

// Problems are the exceptions, the errors on the console and the requests that failed, so
// far; they are told once.
func (p *Page) Problems() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.problems
	p.problems = nil
	return all
}

// Go loads url.
func (p *Page) Go(url string) {
	p.t.Helper()
	var went struct{ ErrorText string }
	p.must(p.b.call(p.session, "Page.navigate", map[string]any{"url": url}, &went))
	if went.ErrorText != "" {
		p.t.Fatalf("chromium: load %s: %s", url, went.ErrorText)
	}
}

// Eval evaluates an expression, waits for it when it is a promise, and puts its value,
// which has to have a form in JSON, into into.
func (p *Page) Eval(expression string, into any) {
	p.t.Helper()
	p.must(p.eval(expression, into))
}

func (p *Page) eval(expression string, into any) error {
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	err := p.b.call(p.session, "Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true,
		"returnByValue": true, "userGesture": true}, &answer)
	if err != nil {
		return err
	}
	if e := answer.ExceptionDetails; e != nil {
		return fmt.Errorf("%s: %s %s", expression, e.Text, e.Exception.Description)
	}
	if into == nil || answer.Result.Value == nil {
		return nil
	}
	return json.Unmarshal(answer.Result.Value, into)
}

// leftBehind are the errors of an expression whose page was left for another.
var leftBehind = regexp.MustCompile(`context was destroyed|target navigated|default execution context`)

// Await waits until an expression is true, looking at it each time the page is drawn. It
// tolerates that the page is being loaded.
func (p *Page) Await(expression string) {
	p.t.Helper()
	wait := `new Promise((done, fail) => {
		const end = performance.now() + ` + strconv.FormatInt(patience.Milliseconds(), 10) + `;
		const look = () => {
			let is = false;
			try { is = Boolean(` + expression + `); } catch (e) { if (performance.now() > end) return fail(e); }
			if (is) done(true);
			else if (performance.now() > end) fail(new Error("it does not come true"));
			else requestAnimationFrame(look);
		};
		look();
	})`
	err := p.eval(wait, nil)
	for err != nil && leftBehind.MatchString(err.Error()) {
		err = p.eval(wait, nil) // that page was left for the one that counts
	}
	if err != nil {
		var text string
		_ = p.eval("document.body.innerText", &text) // for the message
		p.t.Fatalf("waiting for %s: %v\nproblems: %q\nthe page shows:\n%s", expression, err, p.Problems(), text)
	}
}

// Click clicks the middle of the first element that a selector finds.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.Await(fmt.Sprintf("document.querySelector(%q)?.getClientRects().length", selector))
	var at struct{ X, Y float64 }
	p.Eval(fmt.Sprintf(`(() => { const r = document.querySelector(%q).getBoundingClientRect();
		return { X: r.x + r.width / 2, Y: r.y + r.height / 2 }; })()`, selector), &at)
	for _, kind := range []string{"mouseMoved", "mousePressed", "mouseReleased"} {
		p.do("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1})
	}
}

// Drag draws the mouse from one point to another.
func (p *Page) Drag(x1, y1, x2, y2 float64) {
	p.t.Helper()
	for _, e := range []struct {
		kind string
		x, y float64
	}{{"mousePressed", x1, y1}, {"mouseMoved", x2, y2}, {"mouseReleased", x2, y2}} {
		p.do("Input.dispatchMouseEvent", map[string]any{"type": e.kind, "x": e.x, "y": e.y, "button": "left", "buttons": 1, "clickCount": 1})
	}
}

// Type types text as a keyboard does where the focus is; \r is the enter key.
func (p *Page) Type(text string) {
	p.t.Helper()
	for _, c := range text {
		switch c {
		case '\r':
			p.Key("Enter", "Enter", 13, 0)
		case '\x1b':
			p.Key("Escape", "Escape", 27, 0)
		default:
			p.do("Input.insertText", map[string]any{"text": string(c)})
		}
	}
}

// The modifiers of Key.
const (
	Alt   = 1
	Ctrl  = 2
	Shift = 8
)

// Key presses one key.
func (p *Page) Key(key, code string, number, modifiers int) {
	p.t.Helper()
	params := map[string]any{"type": "rawKeyDown", "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers}
	if key == "Enter" {
		params["type"], params["text"] = "keyDown", "\r"
	}
	p.do("Input.dispatchKeyEvent", params)
	p.do("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": modifiers})
}

// Size makes the page that large. A scale above 1 is a phone: it has a finger in place of
// a mouse, too.
func (p *Page) Size(width, height int, scale float64) {
	p.t.Helper()
	p.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": scale, "mobile": scale > 1})
	p.do("Emulation.setTouchEmulationEnabled", map[string]any{"enabled": scale > 1})
}

// Prefer sets a media feature, as prefers-color-scheme.
func (p *Page) Prefer(feature, value string) {
	p.t.Helper()
	p.do("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]any{{"name": feature, "value": value}}})
}

// Grant lets the page use the clipboard.
func (p *Page) Grant() {
	p.t.Helper()
	p.must(p.b.call("", "Browser.grantPermissions", map[string]any{"browserContextId": p.context,
		"permissions": []string{"clipboardReadWrite", "clipboardSanitizedWrite"}}, nil))
}

// Screenshot writes a PNG of what is to be seen into the file path.
func (p *Page) Screenshot(path string) {
	p.t.Helper()
	var shot struct{ Data []byte }
	p.must(p.b.call(p.session, "Page.captureScreenshot", map[string]any{"format": "png"}, &shot))
	if err := os.WriteFile(path, shot.Data, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// Tree is the page as a screen reader gets it: a line "role name" for each thing that is
// not passed over.
func (p *Page) Tree() []string {
	p.t.Helper()
	p.do("Accessibility.enable", nil)
	var tree struct {
		Nodes []struct {
			Ignored bool
			Role    struct{ Value string }
			Name    struct{ Value string }
		}
	}
	p.must(p.b.call(p.session, "Accessibility.getFullAXTree", map[string]any{}, &tree))
	var lines []string
	for _, n := range tree.Nodes {
		if !n.Ignored {
			lines = append(lines, n.Role.Value+" "+n.Name.Value)
		}
	}
	return lines
}
