package webd

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/ptsns/ptsns/server"
)

func TestLive(t *testing.T) {
	d := openDoor(t, nil)
	b, _, err := d.dial("/api/live", asked{})
	if err != nil {
		t.Fatal(err)
	}
	kind, p, err := b.read()
	if err != nil || kind != websocket.MessageText || !strings.Contains(string(p), `"name":"vs1"`) || strings.Contains(string(p), "<b>") {
		t.Errorf("got %v %s, %v", kind, p, err)
	}
	b.send(websocket.MessageText, `{"type":"ping"}`)
	if m := b.message(); m.Type != "pong" {
		t.Errorf("got %+v, want pong", m)
	}
	b.send(websocket.MessageBinary, "x")
	if code, _ := b.closing(); code != websocket.StatusPolicyViolation {
		t.Errorf("closed with %v", code)
	}
}

// However many watch, the list is asked for once a second, and not at all when nobody
// does.
func TestFeedIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked, titles atomic.Int64
		f := newFeed(func(context.Context) ([]Namespace, error) {
			asked.Add(1)
			return []Namespace{{State: server.State{Name: strings.Repeat("x", int(titles.Load()))}}}, nil
		})
		leave := []func(){f.watch(), f.watch(), f.watch()}
		first, seq, err := f.next(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Second + time.Millisecond)
		if got := asked.Load(); got != 11 {
			t.Errorf("asked %d times in 10 s, want 11", got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if _, _, err := f.next(ctx, seq); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("nothing changed, and next says %v", err)
		}
		cancel()
		titles.Add(1)
		if second, _, err := f.next(t.Context(), seq); err != nil || string(second) == string(first) {
			t.Errorf("after a change: %s, %v", second, err)
		}
		for _, leave := range leave {
			leave()
		}
		synctest.Wait()
		before := asked.Load()
		time.Sleep(time.Minute)
		if got := asked.Load(); got != before {
			t.Errorf("asked %d times though nobody watched", got-before)
		}
		defer f.watch()()
		if _, _, err := f.next(t.Context(), 0); err != nil {
			t.Errorf("for who comes later: %v", err)
		}
	})
}

func TestFeedFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(func(context.Context) ([]Namespace, error) { return nil, errors.New("no directory") })
		defer f.watch()()
		if message, _, err := f.next(t.Context(), 0); err != nil || !strings.Contains(string(message), "no directory") {
			t.Errorf("got %s, %v", message, err)
		}
	})
}
