//go:build linux

// Package chromium drives a headless Chromium for tests, by the DevTools protocol
// (https://chromedevtools.github.io/devtools-protocol/) and no more of it than they need.
// A Page is for one goroutine, a test's; a Browser is for any number. One goroutine reads
// what the browser says.
package chromium

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// limit turns a hang into a failure, and patience what does not come true. Nothing here
// takes nearly as long, on a loaded machine neither.
const (
	limit    = 2 * time.Minute
	patience = limit - 20*time.Second // within the limit of the call that waits
)

// grace is how long the browser may take to end. It is killed then.
const grace = 5 * time.Second

// Program is what has to be there.
const Program = "chromium"

// Browser is a running Chromium with a profile of its own, which ends with the test.
type Browser struct {
	t    testing.TB
	conn *websocket.Conn

	mu      sync.Mutex
	last    int                  // guarded by mu; number of the last command
	waiting map[int]chan<- reply // guarded by mu
	pages   map[string]*Page     // guarded by mu; by session
	gone    error                // guarded by mu; why nothing comes any more
}

type reply struct {
	Result json.RawMessage
	Error  *struct{ Message string }
}

var listening = regexp.MustCompile(`DevTools listening on (ws://\S+)`)

// Start starts a browser. Its network is this machine's loopback.
func Start(t testing.TB) *Browser {
	t.Helper()
	profile := t.TempDir()
	cmd := exec.Command(Program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--disable-extensions", "--hide-scrollbars", "--force-color-profile=srgb",
		"--remote-debugging-port=0", "--user-data-dir="+profile, "about:blank")
	cmd.Env = []string{"HOME=" + profile, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // its group is its own
	t.Cleanup(func() {
		late := time.AfterFunc(grace, kill)
		defer late.Stop()
		_ = cmd.Wait() // it was told to close, or is killed
	})
	hang := time.AfterFunc(limit, kill)
	defer hang.Stop()
	var said strings.Builder
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			go func() { // ends with the browser
				for lines.Scan() { // else it would block
				}
			}()
			return connect(t, m[1])
		}
	}
	kill()
	t.Fatalf("chromium does not start:\n%s", &said)
	return nil
}

func connect(t testing.TB, url string) *Browser {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetReadLimit(64 << 20) // screenshots
	b := &Browser{t: t, conn: conn, waiting: make(map[int]chan<- reply), pages: make(map[string]*Page)}
	read := make(chan struct{})
	go func() { // ends with the connection
		defer close(read)
		b.read()
	}()
	t.Cleanup(func() {
		_ = b.call("", "Browser.close", map[string]any{}, nil) // else it is killed
		_ = conn.CloseNow()                                    // it may have gone
		<-read
	})
	return b
}

// read takes what the browser says.
func (b *Browser) read() {
	for {
		_, text, err := b.conn.Read(context.Background())
		var m struct {
			reply
			ID        int
			Method    string
			Params    json.RawMessage
			SessionID string
		}
		if err == nil {
			err = json.Unmarshal(text, &m)
		}
		b.mu.Lock()
		if err != nil {
			b.gone = err
			for _, c := range b.waiting {
				close(c)
			}
			b.waiting = nil
			b.mu.Unlock()
			return
		}
		waiting, page := b.waiting[m.ID], b.pages[m.SessionID]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		if waiting != nil {
			waiting <- m.reply
		} else if page != nil {
			page.event(m.Method, m.Params)
		}
	}
}

// call gives a command and waits for its answer, which into, unless nil, gets.
func (b *Browser) call(session, method string, params, into any) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	answer := make(chan reply, 1)
	b.mu.Lock()
	if b.gone != nil {
		b.mu.Unlock()
		return b.gone
	}
	b.last++
	id := b.last
	b.waiting[id] = answer
	b.mu.Unlock()
	command, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params, "sessionId": session})
	if err != nil {
		return err
	}
	if session == "" {
		command = []byte(strings.Replace(string(command), `,"sessionId":""`, "", 1))
	}
	if err := b.conn.Write(ctx, websocket.MessageText, command); err != nil {
		return err
	}
	select {
	case r, ok := <-answer:
		if !ok {
			return errors.New("the browser has gone")
		}
		if r.Error != nil {
			return fmt.Errorf("%s: %s", method, r.Error.Message)
		}
		if into == nil {
			return nil
		}
		return json.Unmarshal(r.Result, into)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
}
